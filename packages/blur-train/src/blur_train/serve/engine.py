"""The threads that judge photos, and how many photos may wait for one."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import cv2

from blur_train.decision import Preset
from blur_train.photos import PhotoError
from blur_train.serve.answers import BlurType, FullAnswer, TargetedAnswer
from blur_train.serve.judging import ModelHolder, judge
from blur_train.serve.options import Limits
from blur_train.serve.problems import ApiError, overloaded, photo_refused
from footage.errors import FootageError

MODEL_RETRY_SECONDS = 5


class Engine:
    """Judges photos, a bounded number at a time.

    Decoding and the network let go of Python's lock, so that threads fill the processors and share one model.
    """

    def __init__(self, model: ModelHolder, *, threads: int, limits: Limits) -> None:
        """Start without work.

        Args:
            model: to decide with.
            threads: photos judged at once.
            limits: what is let in.
        """
        cv2.setNumThreads(1)  # one thread a photo: with more, those of several photos would wait for each other
        self.model = model
        self.limits = limits
        self.places = threads + limits.waiting
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="judge")
        self._lock = threading.Lock()
        self._under_way = 0

    async def answer(self, data: bytes, *, blur_type: BlurType | None, preset: Preset) -> FullAnswer | TargetedAnswer:
        """Judge a photo when a thread is free.

        Raises:
            ApiError: the photo or the request is refused, for whatever reason.
        """
        future = self._submit(data, blur_type, preset)
        try:
            # The thread cannot be stopped: its place stays taken until it ends, whoever still waits for it.
            return await asyncio.wait_for(asyncio.wrap_future(future), self.limits.answer_seconds)
        except TimeoutError:
            message = f"The photo was not judged within {self.limits.answer_seconds:g} s."
            raise ApiError(503, "timed_out", message, retry_after_seconds=1) from None
        except PhotoError as error:
            raise photo_refused(error) from None
        except FootageError as error:
            raise model_unavailable(error) from None
        except MemoryError:
            raise overloaded() from None

    @property
    def under_way(self) -> int:
        """Photos that are judged or wait for it."""
        return self._under_way

    def close(self) -> None:
        """End the threads once they are done with what they do."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, data: bytes, blur_type: BlurType | None, preset: Preset) -> Future[FullAnswer | TargetedAnswer]:
        with self._lock:
            if self._under_way >= self.places:
                raise overloaded()
            self._under_way += 1
        work = partial(judge, data, self.model, self.limits, blur_type=blur_type, preset=preset)
        future = self._pool.submit(work)
        future.add_done_callback(self._leave)
        return future

    def _leave(self, _: object) -> None:
        with self._lock:
            self._under_way -= 1


def model_unavailable(error: FootageError) -> ApiError:
    """The refusal while there is no model that can be used; where it lies is the operator's business."""
    message = f"The model cannot be used: {error.what}."
    return ApiError(503, "model_unavailable", message, retry_after_seconds=MODEL_RETRY_SECONDS)
