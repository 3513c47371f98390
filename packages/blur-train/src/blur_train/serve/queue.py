"""Batches done by Celery workers: Redis keeps the queue, what is known of each batch, and its results.

A photo is one task, named after its batch and place. A task that was running when its worker died is given out again
(:data:`VISIBILITY_SECONDS` later at the most, and some seconds for the search), so a photo may be judged twice; its
result is kept once, by the first who has it. Only names go through the broker, never pixels.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from celery import Celery
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from blur_train.decision import Preset
from blur_train.serve.answers import ITEM, BlurType, Item
from blur_train.serve.jobs import Job, Spool, queue_full
from blur_train.serve.problems import ApiError

if TYPE_CHECKING:
    from blur_train.serve.options import Limits

APP: Final = "blur_train"
QUEUE: Final = "blur-train"
TASK: Final = "blur_train.classify_item"
VISIBILITY_SECONDS: Final = 20
"""After so long a task that nobody has acknowledged counts as lost. It may then run twice, which does no harm."""
TASK_SECONDS: Final = 15
"""A photo that takes longer is stopped and tried again; below the visibility, so that it is not also given out anew."""
CONNECT_SECONDS: Final = 3.0
_RETRY_AFTER_SECONDS: Final = 5


def make_celery(broker: str) -> Celery:
    """The Celery application that server and workers share.

    Args:
        broker: a ``redis://`` or ``rediss://`` address.
    """
    app = Celery(APP, broker=broker, set_as_current=False)
    app.conf.update(
        task_default_queue=QUEUE,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,  # results are kept by us, once
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure_or_timeout=False,
        task_time_limit=TASK_SECONDS,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 10,  # a worker that dies while it looks for lost tasks stops nobody for long
            "socket_connect_timeout": CONNECT_SECONDS,
        },
    )
    return app


class RedisJobs:
    """What Redis knows of batches. Every key goes by itself when the batch expires. Threads may share it."""

    def __init__(self, broker: str, spool: Spool, limits: Limits) -> None:
        """Name the Redis; nothing is connected yet.

        Args:
            broker: its address.
            spool: where the photos are; workers must see it under the same path.
            limits: what is let in.

        Raises:
            ValueError: the address is none of a Redis.
        """
        self._redis = Redis.from_url(broker, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=10)
        self._celery = make_celery(broker)
        self._spool = spool
        self._limits = limits

    def submit(self, job: Job) -> None:
        """Take a batch; see :class:`blur_train.serve.jobs.Jobs`."""
        try:
            if int(self._redis.llen(QUEUE)) + len(job.filenames) > self._limits.pending_items:
                raise queue_full()
            self._redis.set(_job_key(job.job_id), _document(job), exat=_whole(job.expires_at))
            self._publish(job)
        except (RedisError, OperationalError) as error:
            raise no_queue() from error

    def find(self, job_id: str) -> tuple[Job, Mapping[int, Item]] | None:
        """A batch; see :class:`blur_train.serve.jobs.Jobs`."""
        try:
            job = self.job(job_id)
            if job is None:
                return None
            kept = self._redis.hgetall(_items_key(job_id))
        except RedisError as error:
            raise no_queue() from error
        return job, {int(index): ITEM.validate_json(item) for index, item in kept.items()}

    def check(self) -> None:
        """See that the Redis answers; see :class:`blur_train.serve.jobs.Jobs`."""
        try:
            self._redis.ping()
        except RedisError as error:
            raise no_queue() from error

    def close(self) -> None:
        """Let go of the connections; the batches stay."""
        self._redis.close()
        self._celery.close()

    def job(self, job_id: str) -> Job | None:
        """A batch as it was asked for; None where it has expired or was never taken whole.

        Raises:
            RedisError: the Redis does not answer.
        """
        kept = self._redis.get(_job_key(job_id))
        return None if kept is None else _job(json.loads(kept))

    def has(self, job_id: str, index: int) -> bool:
        """Whether a photo has its result.

        Raises:
            RedisError: the Redis does not answer.
        """
        return bool(self._redis.hexists(_items_key(job_id), str(index)))

    def keep(self, job: Job, item: Item) -> bool:
        """Keep a photo's result unless it has one; returns whether it was kept.

        Raises:
            RedisError: the Redis does not answer.
        """
        key = _items_key(job.job_id)
        with self._redis.pipeline() as together:
            together.hsetnx(key, str(item.index), item.model_dump_json())
            together.expireat(key, _whole(job.expires_at))
            kept, _ = together.execute()
        self._spool.done(job.job_id, item.index)
        return bool(kept)

    def attempt(self, job: Job, index: int) -> int:
        """Count another attempt at a photo: a photo that kills its worker is not given out forever.

        Raises:
            RedisError: the Redis does not answer.
        """
        key = f"{_job_key(job.job_id)}:attempts"
        with self._redis.pipeline() as together:
            together.hincrby(key, str(index), 1)
            together.expireat(key, _whole(job.expires_at))
            count, _ = together.execute()
        return int(count)

    def _publish(self, job: Job) -> None:
        try:
            with self._celery.producer_or_acquire() as producer:
                for index in range(len(job.filenames)):
                    self._celery.send_task(
                        TASK,
                        args=(job.job_id, index),
                        task_id=f"{job.job_id}-{index}",
                        producer=producer,
                        retry=False,
                        expires=max(job.expires_at - time.time(), 1),
                    )
        except BaseException:
            self._redis.delete(_job_key(job.job_id))  # the tasks that went out find no batch, and end
            raise


def no_queue() -> ApiError:
    """The refusal while the broker cannot be reached."""
    message = "The queue of batches cannot be reached."
    return ApiError(503, "queue_unavailable", message, retry_after_seconds=_RETRY_AFTER_SECONDS)


def _job_key(job_id: str) -> str:
    return f"{QUEUE}:job:{job_id}"


def _items_key(job_id: str) -> str:
    return f"{_job_key(job_id)}:items"


def _whole(seconds: float) -> int:
    return int(seconds) + 1


def _document(job: Job) -> str:
    return json.dumps(
        {
            "job_id": job.job_id,
            "owner": job.owner,
            "filenames": job.filenames,
            "blur_type": job.blur_type,
            "preset": job.preset,
            "expires_at": job.expires_at,
        }
    )


def _job(document: dict[str, Any]) -> Job:
    blur_type = document["blur_type"]
    return Job(
        job_id=document["job_id"],
        owner=document["owner"],
        filenames=tuple(document["filenames"]),
        blur_type=None if blur_type is None else BlurType(blur_type),
        preset=Preset(document["preset"]),
        expires_at=document["expires_at"],
    )
