"""What the page asks its server, and what the server answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.staticfiles import StaticFiles

from footage.cli.failures import describe_os_error
from footage.errors import DatasetError, VideoError, printable
from highlight_train.labelling.films import film_routes, known_clip
from highlight_train.labelling.library import Library
from highlight_train.labelling.marks import Verdict
from highlight_train.labelling.pictures import duration_seconds
from highlight_train.labelling.session import Session
from highlight_train.labelling.uncertain import BackgroundScores

STATIC = Path(__file__).parent / "static"

Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Known = Annotated[int, Query(ge=0)]


class Said(BaseModel):
    """What a key said of a clip, or of a span of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    verdict: Verdict
    span: tuple[Seconds, Seconds] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """All that the page is about.

    Attributes:
        library: the clips.
        session: their labels.
        labels_file: where the labels go, to be shown.
        scores: a model's opinion; None without a model.
    """

    library: Library
    session: Session
    labels_file: Path
    scores: BackgroundScores | None = None


def make_app(workplace: Workplace) -> FastAPI:
    """The application, without the guard that has to stand around it."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(_label_routes(workplace))
    app.include_router(film_routes(workplace.library))
    app.mount("/static", StaticFiles(directory=STATIC))

    @app.get("/")
    def page() -> Response:
        return FileResponse(STATIC / "index.html")

    _explain_errors(app)
    return app


def _label_routes(workplace: Workplace) -> APIRouter:
    """What the page is told, and what it says. ``since`` and ``scored`` are what it knows already."""
    routes = APIRouter(prefix="/api")
    library, session = workplace.library, workplace.session

    @routes.get("/library")
    def everything() -> dict[str, Any]:
        return {
            "library": printable(str(library.folder)),
            "labels_file": printable(str(workplace.labels_file)),
            "clips": [{"id": clip.id, "name": clip.name} for clip in library],
            **_news(workplace, 0, 0),
        }

    @routes.get("/changes")
    def changes(since: Known = 0, scored: Known = 0) -> dict[str, Any]:
        return _news(workplace, since, scored)

    @routes.post("/clips/{clip_id}/mark")
    def mark(clip_id: str, said: Said, since: Known = 0, scored: Known = 0) -> dict[str, Any]:
        clip = known_clip(library, clip_id)
        if said.span is None:
            session.mark(clip_id, said.verdict)
        else:
            session.mark_span(clip_id, said.span, said.verdict, lambda: duration_seconds(clip))
        return _news(workplace, since, scored)

    @routes.post("/undo")
    def undo(since: Known = 0, scored: Known = 0) -> dict[str, Any]:
        return {"clip": session.undo(), **_news(workplace, since, scored)}

    return routes


def _news(workplace: Workplace, since: int, scored: int) -> dict[str, Any]:
    revision, marks = workplace.session.changes(since)
    scores = workplace.scores
    return {
        "revision": revision,
        "marks": {clip: {"verdict": mark.verdict, "spans": mark.spans} for clip, mark in marks.items()},
        "scores": [] if scores is None else scores.scores(scored),
        "scoring": None if scores is None else scores.progress(),
    }


def _explain_errors(app: FastAPI) -> None:
    """Every error that a user can mend becomes a line that the page shows."""

    @app.exception_handler(RequestValidationError)
    def no_label(_request: Request, error: RequestValidationError) -> Response:
        # Not FastAPI's own answer: that repeats the input, and fails where a number in it has no JSON form.
        return _message("; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()), 422)

    @app.exception_handler(VideoError)
    def unreadable(_request: Request, error: VideoError) -> Response:
        return _message(error.what if error.remedy is None else f"{error.what}; {error.remedy}", 422)

    @app.exception_handler(DatasetError)
    def contradiction(_request: Request, error: DatasetError) -> Response:
        return _message(str(error), 409)

    @app.exception_handler(OSError)
    def refused(_request: Request, error: OSError) -> Response:
        what, remedy = describe_os_error(error)
        return _message(f"{what}; {remedy}" if remedy else what, 500)


def _message(text: str, status: int) -> JSONResponse:
    return JSONResponse({"detail": printable(text)}, status)
