"""The routes of batches: take one, say how far it is, give its results."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, File, Path, Query, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool

from blur_train.decision import Preset
from blur_train.serve.answers import BlurType, Envelope, Item, JobResults, JobStatus
from blur_train.serve.jobs import JOB_ID, Job, Jobs, Spool, status_of
from blur_train.serve.metrics import Metrics
from blur_train.serve.options import Limits
from blur_train.serve.problems import ApiError, refusals, request_id_of

BATCH = "/api/v1/blur/classify/batch"
LONGEST_NAME = 255
OTHER_FIELDS = 16
"""Fields that a form may have beside its photos; they are passed over."""
_SWEEP_SECONDS = 300.0

JobId = Annotated[str, Path(pattern=f"^{JOB_ID.pattern}$", description="As the batch's answer named it.")]


def batch_routes(jobs: Jobs, spool: Spool, limits: Limits, metrics: Metrics) -> APIRouter:
    """The routes.

    Args:
        jobs: where batches are done.
        spool: where their photos wait.
        limits: what is let in.
        metrics: told of batches that were taken.
    """
    router = APIRouter(tags=["batches"])
    swept_at = 0.0

    @router.post(
        BATCH,
        status_code=202,
        form_limits={"max_files": limits.batch_items, "max_fields": OTHER_FIELDS},
        responses=refusals(400, 401, 408, 413, 415, 422, 429, 503),
    )
    async def classify_batch(
        request: Request,
        response: Response,
        files: Annotated[list[UploadFile], File(description="The photos.", min_length=1)],
        blur_type: Annotated[BlurType | None, Query(description="Ask for this type only.")] = None,
        preset: Annotated[Preset, Query(description="How readily a photo is called blurred.")] = Preset.MODERATE,
    ) -> Envelope[JobStatus]:
        """Take photos to be judged one after the other; the answer names the batch."""
        nonlocal swept_at
        job = Job(
            job_id=uuid.uuid4().hex,
            owner=str(request.state.client),
            filenames=tuple((file.filename or "")[:LONGEST_NAME] for file in files),
            blur_type=blur_type,
            preset=preset,
            expires_at=time.time() + limits.result_seconds,
        )
        if time.monotonic() - swept_at > _SWEEP_SECONDS:
            swept_at = time.monotonic()
            await run_in_threadpool(spool.sweep, limits.result_seconds)
        await run_in_threadpool(_take, job, files, jobs, spool)
        metrics.taken(len(files))
        response.headers["Location"] = f"{BATCH}/{job.job_id}"
        return Envelope(request_id=request_id_of(request), data=status_of(job, {}))

    @router.get(f"{BATCH}/{{job_id}}", responses=refusals(401, 404, 422, 503))
    def batch_status(request: Request, job_id: JobId) -> Envelope[JobStatus]:
        """How far a batch has come."""
        return Envelope(request_id=request_id_of(request), data=status_of(*_found(request, jobs, job_id)))

    @router.get(f"{BATCH}/{{job_id}}/results", responses=refusals(401, 404, 422, 503))
    def batch_results(request: Request, job_id: JobId) -> Envelope[JobResults]:
        """The results of a batch so far; all of them once its status is ``finished``."""
        job, items = _found(request, jobs, job_id)
        ordered = [items[index] for index in sorted(items)]
        results = JobResults(**status_of(job, items).model_dump(), items=ordered)
        return Envelope(request_id=request_id_of(request), data=results)

    return router


def _found(request: Request, jobs: Jobs, job_id: str) -> tuple[Job, Mapping[int, Item]]:
    """A batch of the one who asks.

    Raises:
        ApiError: there is none, or it is another client's, which nobody else is told.
    """
    found = jobs.find(job_id)
    if found is None or found[0].owner != request.state.client:
        raise ApiError(404, "job_not_found", "There is no such job: it is unknown or has expired.")
    return found


def _take(job: Job, files: Sequence[UploadFile], jobs: Jobs, spool: Spool) -> None:
    """Put the photos into the spool, then hand the batch on; nothing is left behind where either fails.

    Raises:
        ApiError: the batch cannot be taken.
    """
    try:
        for index, file in enumerate(files):
            _store(file, spool.path(job.job_id, index))
        jobs.submit(job)
    except OSError as error:
        spool.drop(job.job_id)
        message = f"The photos cannot be kept ({error.strerror or error})."
        raise ApiError(503, "storage_unavailable", message, retry_after_seconds=30) from None
    except BaseException:
        spool.drop(job.job_id)
        raise


def _store(file: UploadFile, path: FilePath) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("xb") as kept:
        shutil.copyfileobj(file.file, kept, 1 << 20)
