"""The application: the seed's paths and answers, health, readiness, metrics and the description of it all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import Depends, FastAPI, File, Query, Request, Response, UploadFile
from fastapi.params import Depends as DependsOn
from fastapi.security import APIKeyHeader
from starlette.types import ASGIApp

from blur_train.decision import Preset
from blur_train.serve.admission import Admission
from blur_train.serve.answers import BlurType, Envelope, FullAnswer, Health, Readiness, TargetedAnswer
from blur_train.serve.batch import BATCH, OTHER_FIELDS, batch_routes
from blur_train.serve.engine import Engine, model_unavailable
from blur_train.serve.jobs import Jobs, Spool
from blur_train.serve.judging import ModelHolder
from blur_train.serve.metrics import Metrics
from blur_train.serve.options import Limits
from blur_train.serve.problems import ApiError, explain_errors, refusals, request_id_of
from footage.errors import FootageError

CLASSIFY = "/api/v1/blur/classify"
DESCRIPTION = "Is a photo sharp, and if not, which of three kinds of blur has it? Answers are definite."


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an application is made of.

    Attributes:
        model: to decide with.
        jobs: where batches are done.
        spool: where their photos wait.
        limits: what is let in.
        keys: any of which callers must send; none lets everybody in.
        threads: photos judged at once.
    """

    model: ModelHolder
    jobs: Jobs
    spool: Spool
    limits: Limits
    keys: tuple[str, ...] = ()
    threads: int = 1


def make_app(parts: Parts) -> ASGIApp:
    """The application with its admission around it."""
    engine = Engine(parts.model, threads=parts.threads, limits=parts.limits)
    metrics = Metrics(lambda: engine.under_way)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        engine.close()
        parts.jobs.close()

    app = FastAPI(
        title="blur-train",
        version=version("blur-train"),
        description=DESCRIPTION,
        lifespan=lifespan,
        redirect_slashes=False,
        docs_url=None,  # these pages would load scripts from elsewhere
        redoc_url=None,
    )
    # The key itself is asked for at the door, before a byte of the body is read; this describes it.
    describe_key: DependsOn = Depends(APIKeyHeader(name="X-API-Key", auto_error=False))
    needed = [describe_key] if parts.keys else []
    _single_route(app, engine, metrics, needed)
    app.include_router(batch_routes(parts.jobs, parts.spool, parts.limits, metrics), dependencies=needed)
    _state_routes(app, parts, metrics)
    explain_errors(app)
    _describe_files(app.openapi())
    return Admission(
        app,
        keys=parts.keys,
        limits=parts.limits,
        bodies={CLASSIFY: parts.limits.body_bytes, BATCH: parts.limits.batch_body_bytes},
        places=engine.places,
        metrics=metrics,
    )


def _single_route(app: FastAPI, engine: Engine, metrics: Metrics, needed: list[DependsOn]) -> None:
    @app.post(
        CLASSIFY,
        tags=["photos"],
        dependencies=needed,
        form_limits={"max_files": 1, "max_fields": OTHER_FIELDS},
        responses=refusals(400, 401, 408, 413, 415, 422, 429, 503),
    )
    async def classify(
        request: Request,
        file: Annotated[UploadFile, File(description="The photo: JPEG, PNG, WebP, TIFF, BMP, HEIC or AVIF.")],
        blur_type: Annotated[BlurType | None, Query(description="Ask for this type only.")] = None,
        preset: Annotated[Preset, Query(description="How readily a photo is called blurred.")] = Preset.MODERATE,
    ) -> Envelope[FullAnswer] | Envelope[TargetedAnswer]:
        """Judge a photo."""
        try:
            answer = await engine.answer(await file.read(), blur_type=blur_type, preset=preset)
        except ApiError as error:
            metrics.refused(error.code)
            raise
        metrics.judged(answer.predicted_class.value)
        if isinstance(answer, FullAnswer):
            return Envelope[FullAnswer](request_id=request_id_of(request), data=answer)
        return Envelope[TargetedAnswer](request_id=request_id_of(request), data=answer)


def _state_routes(app: FastAPI, parts: Parts, metrics: Metrics) -> None:
    @app.get("/health", tags=["state"])
    def health() -> Health:
        """The process runs."""
        return Health()

    @app.get("/ready", tags=["state"], responses=refusals(503))
    def ready() -> Readiness:
        """Photos can be judged: the model is open, and batches have their queue."""
        try:
            model = parts.model.get()
        except FootageError as error:
            raise model_unavailable(error) from None
        parts.jobs.check()
        return Readiness(model_sha256=model.manifest.model_sha256, classes=list(model.classes))

    @app.get("/metrics", tags=["state"], response_class=Response)
    def metrics_page() -> Response:
        """Counters and times in Prometheus' text format."""
        return Response(metrics.page(), media_type="text/plain; version=0.0.4")


def _describe_files(openapi: dict[str, Any]) -> None:
    """Say of the forms' files what generators of clients go by; an empty one is refused, in a batch as its result."""
    for name, schema in openapi["components"]["schemas"].items():
        if name.startswith("Body_"):
            for field in schema["properties"].values():
                field.get("items", field)["format"] = "binary"
                if "items" not in field:
                    field["minLength"] = 1
