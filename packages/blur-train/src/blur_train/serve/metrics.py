"""What Prometheus is told."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})
BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counters and times of one server, in a registry of its own."""

    def __init__(self, under_way: Callable[[], int]) -> None:
        """Start at nothing.

        Args:
            under_way: asked for the photos that are judged or wait for it.
        """
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "blur_requests", "Requests answered.", ["route", "method", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "blur_request_seconds", "Time to answer.", ["route"], buckets=BUCKETS_SECONDS, registry=self._registry
        )
        self._photos = Counter("blur_photos", "Photos judged, by answer.", ["predicted_class"], registry=self._registry)
        self._refused = Counter("blur_photos_refused", "Photos refused, by code.", ["code"], registry=self._registry)
        self._batch_items = Counter("blur_batch_items", "Photos taken in batches.", registry=self._registry)
        gauge = Gauge("blur_photos_under_way", "Photos judged or waiting in this process.", registry=self._registry)
        gauge.set_function(under_way)
        ProcessCollector(registry=self._registry)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        # A method is the caller's text: what is none of the usual ones would make a series each.
        self._requests.labels(route, method if method in METHODS else "other", str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def judged(self, predicted_class: str) -> None:
        """Count a photo that has its answer."""
        self._photos.labels(predicted_class).inc()

    def refused(self, code: str) -> None:
        """Count a photo that has none."""
        self._refused.labels(code).inc()

    def taken(self, items: int) -> None:
        """Count the photos of a batch that was taken."""
        self._batch_items.inc(items)

    def page(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
