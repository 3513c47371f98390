"""The clips themselves for the page: the film in ranges of bytes, and pictures from it."""

from __future__ import annotations

import os
from typing import Any

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, Response

from highlight_train.labelling.library import Clip, Library
from highlight_train.labelling.pictures import moments, thumbnail

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".mkv": "video/x-matroska",
}
_IMAGE_SECONDS = 600


def known_clip(library: Library, clip_id: str) -> Clip:
    """The clip that a request names.

    Raises:
        HTTPException: 404, the scan found none of that id.
    """
    clip = library.get(clip_id)
    if clip is None:
        raise HTTPException(404, "There is no such clip in this library.")
    return clip


def film_routes(library: Library) -> APIRouter:
    """What serves a clip's film and its pictures."""
    routes = APIRouter(prefix="/api/clips/{clip_id}")

    @routes.api_route("/video", methods=["GET", "HEAD"])
    def video(clip_id: str) -> Response:
        path = _readable(library, clip_id).path
        return FileResponse(path, media_type=MEDIA_TYPES[path.suffix.lower()], stat_result=path.stat())

    @routes.get("/thumbnail")
    def small_picture(clip_id: str) -> Response:
        return _jpeg(thumbnail(_readable(library, clip_id)))

    @routes.get("/moments")
    def sheet(clip_id: str) -> dict[str, Any]:
        found = moments(_readable(library, clip_id))
        return {
            "times_seconds": found.times_seconds,
            "duration_seconds": found.duration_seconds,
            "remark": found.remark,
        }

    @routes.get("/moments/{number}")
    def moment(clip_id: str, number: int) -> Response:
        jpegs = moments(_readable(library, clip_id)).jpegs
        if not 0 <= number < len(jpegs):
            raise HTTPException(404, "There is no such picture.")
        return _jpeg(jpegs[number])

    return routes


def _readable(library: Library, clip_id: str) -> Clip:
    clip = known_clip(library, clip_id)
    if not clip.path.is_file() or not os.access(clip.path, os.R_OK):
        raise HTTPException(404, f"{clip.name} is no longer there, or may not be read. Was it moved or deleted?")
    return clip


def _jpeg(data: bytes) -> Response:
    return Response(data, media_type="image/jpeg", headers={"cache-control": f"private, max-age={_IMAGE_SECONDS}"})
