"""A Celery worker: takes photos of batches from the queue and keeps their results."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, Final

import cv2
from celery import Celery, Task
from celery.exceptions import Reject
from redis.exceptions import RedisError

from blur_train.serve.jobs import Job, Spool, failed_item, judged_item, unforeseen
from blur_train.serve.judging import ModelHolder
from blur_train.serve.options import Limits
from blur_train.serve.problems import ApiError
from blur_train.serve.queue import QUEUE, TASK, RedisJobs, make_celery

LOGGER: Final = logging.getLogger("blur_train.serve")
MOST_RETRIES: Final = 3
MOST_ATTEMPTS: Final = 6
"""Retries, and deaths of workers, after which a photo is given an error as its result."""


class ItemWork:
    """What a worker does with one photo, without Celery."""

    def __init__(self, jobs: RedisJobs, spool: Spool, model: ModelHolder, limits: Limits) -> None:
        """Take what the work needs; nothing is opened yet, so that it may be handed to forked processes."""
        self._jobs = jobs
        self._spool = spool
        self._model = model
        self._limits = limits

    def do(self, job_id: str, index: int, *, is_last_try: bool) -> Exception | None:
        """Judge a photo and keep its result, once, however often it is called.

        Args:
            job_id: of a batch; one that has expired is passed over.
            index: of the photo in it.
            is_last_try: keep an error as the result where it cannot be judged.

        Returns:
            Why it should be tried again; None where it has its result.

        Raises:
            RedisError: the Redis does not answer.
        """
        job = self._jobs.job(job_id)
        if job is None or self._jobs.has(job_id, index):
            self._spool.done(job_id, index)
            return None
        if self._jobs.attempt(job, index) > MOST_ATTEMPTS:
            LOGGER.error("photo %d of batch %s was given up: its workers died or were stopped", index, job_id)
            message = "The server could not judge this photo: it took too long, or too much memory, every time."
            self._jobs.keep(job, failed_item(job, index, ApiError(500, "gave_up", message)))
            return None
        return self._judge(job, index, is_last_try=is_last_try)

    def _judge(self, job: Job, index: int, *, is_last_try: bool) -> Exception | None:
        try:
            item = judged_item(job, index, self._spool.path(job.job_id, index), self._model, self._limits)
        except RedisError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever happens to a photo, it gets a result
            if not is_last_try:
                return error
            item = failed_item(job, index, unforeseen(error))
        self._jobs.keep(job, item)
        return None


def add_task(app: Celery, work: ItemWork) -> None:
    """Teach a Celery application the one task there is."""

    def classify_item(self: Task[Any, None], job_id: str, index: int) -> None:
        retries = self.request.retries
        try:
            reason = work.do(job_id, index, is_last_try=retries >= MOST_RETRIES)
        except RedisError as error:
            raise Reject(str(error), requeue=True) from error
        if reason is not None:
            raise self.retry(exc=reason, countdown=2**retries)

    app.task(bind=True, name=TASK, max_retries=MOST_RETRIES)(classify_item)


def run_worker(broker: str, *, model: Path, spool: Path, processes: int, device: str, limits: Limits) -> None:
    """Work until told to stop; what was begun then is finished first.

    Args:
        broker: the address of the server's Redis.
        model: the folder or file of the classifier.
        spool: the server's spool.
        processes: photos judged at once.
        device: where the model runs.
        limits: what is refused of a photo.

    Raises:
        OSError: the spool cannot be made.
    """
    cv2.setNumThreads(1)
    kept = Spool(spool)
    app = make_celery(broker)
    add_task(app, ItemWork(RedisJobs(broker, kept, limits), kept, ModelHolder(model, device=device), limits))
    options = ("concurrency=" + str(processes), "loglevel=WARNING", "without-gossip", "without-mingle")
    name = f"hostname=blur-train-{os.getpid()}@%h"  # several workers of a machine must not share theirs
    more = ("without-heartbeat", f"queues={QUEUE}", name)
    app.worker_main(["--quiet", "worker", *(f"--{option}" for option in (*options, *more))])
