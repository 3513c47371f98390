"""Every way in which a request is refused: a status, a code for programs and a sentence for people."""

from __future__ import annotations

import logging
import math
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from blur_train.photos import PhotoError, PhotoProblem
from blur_train.serve.answers import ErrorBody, ErrorEnvelope

LOGGER = logging.getLogger("blur_train.serve")

PHOTO_PROBLEMS: Final[dict[PhotoProblem, tuple[int, str]]] = {
    PhotoProblem.EMPTY: (422, "empty_file"),
    PhotoProblem.TOO_MANY_BYTES: (413, "file_too_large"),
    PhotoProblem.UNSUPPORTED: (415, "unsupported_media_type"),
    PhotoProblem.TRUNCATED: (422, "truncated_image"),
    PhotoProblem.CORRUPT: (422, "corrupt_image"),
    PhotoProblem.TOO_SMALL: (422, "image_too_small"),
    PhotoProblem.TOO_MANY_PIXELS: (422, "image_too_large"),
    PhotoProblem.ANIMATED: (422, "animated_image"),
    PhotoProblem.MISSING: (500, "photo_lost"),
}

REASONS: Final = {
    400: "The request is no form that can be read.",
    401: "The X-API-Key is missing or unknown.",
    404: "There is no such job: it is unknown or has expired.",
    408: "The request took too long to arrive.",
    413: "The photo, or the batch, is too large.",
    415: "The request is no multipart form, or the file no picture of a kind that is read.",
    422: "The request lacks something, or the picture is truncated, corrupt, too small or too large to judge.",
    429: "This client has too many requests under way.",
    503: "The server has no room, no model or no queue just now.",
}
"""What each status means; the answers' ``code`` says which of the reasons it is."""


class ApiError(HTTPException):
    """A refusal.

    Attributes:
        code: for programs.
    """

    def __init__(self, status: int, code: str, message: str, *, retry_after_seconds: float | None = None) -> None:
        self.code = code
        headers = None if retry_after_seconds is None else {"Retry-After": str(math.ceil(retry_after_seconds))}
        super().__init__(status, detail=message, headers=headers)

    @property
    def body(self) -> ErrorBody:
        """The error as it stands in an answer."""
        return ErrorBody(code=self.code, message=self.detail)


def photo_refused(error: PhotoError) -> ApiError:
    """The refusal of a photo."""
    status, code = PHOTO_PROBLEMS[error.problem]
    sentence = f"The file {error.what}" + ("." if error.remedy is None else f"; {error.remedy}.")
    return ApiError(status, code, sentence)


def overloaded() -> ApiError:
    """The refusal of work for which there is no room."""
    return ApiError(503, "overloaded", "All places are taken; try again in a moment.", retry_after_seconds=1)


def refusals(*statuses: int) -> dict[int | str, dict[str, object]]:
    """What a route's documentation says of the refusals it may give."""
    return {status: {"model": ErrorEnvelope, "description": REASONS[status]} for status in statuses}


def explain_errors(app: FastAPI) -> None:
    """Answer every error in the envelope; what nobody foresaw is logged and answered without its inside."""

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> JSONResponse:
        return _answer(request, error if isinstance(error, ApiError) else _named(error), error.headers)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        reasons = [f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()]
        return _answer(request, ApiError(422, "invalid_request", "; ".join(reasons)))

    @app.exception_handler(Exception)
    def failed(request: Request, error: Exception) -> JSONResponse:
        LOGGER.error("request %s failed", request_id_of(request), exc_info=error)
        return _answer(request, ApiError(500, "internal_error", "The server failed; its log says why."))


def request_id_of(request: Request) -> str:
    """The name of a request, which its answer and the log share."""
    return str(request.state.request_id)


def _named(error: HTTPException) -> ApiError:
    """A refusal of the framework in our words."""
    detail = str(error.detail)
    if error.status_code == 400 and detail.startswith("Too many files"):
        return ApiError(413, "batch_too_large", f"{detail} Send several batches.")
    names = {400: "malformed_request", 404: "not_found", 405: "method_not_allowed", 413: "request_too_large"}
    return ApiError(error.status_code, names.get(error.status_code, "refused"), detail)


def _answer(request: Request, error: ApiError, headers: object = None) -> JSONResponse:
    envelope = ErrorEnvelope(request_id=request_id_of(request), error=error.body)
    given = dict(headers) if isinstance(headers, dict) else {}
    return JSONResponse(envelope.model_dump(), error.status_code, headers=given | dict(error.headers or {}))
