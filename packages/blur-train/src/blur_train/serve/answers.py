"""The answers as their callers read them: an envelope around data or an error."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from blur_train.classes import BlurClass

Data = TypeVar("Data")


class BlurType(StrEnum):
    """What can be detected."""

    DEFOCUSED_BLURRED = BlurClass.DEFOCUSED_BLURRED.value
    DEFOCUSED_OBJECT_PORTRAIT = BlurClass.DEFOCUSED_OBJECT_PORTRAIT.value
    MOTION_BLURRED = BlurClass.MOTION_BLURRED.value


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dimensions(_Answer):
    """Of the upright photo, in pixels."""

    width: int
    height: int


class Crop(_Answer):
    """A part of the upright photo, in pixels; its right column and bottom row are the first outside."""

    x0: int
    y0: int
    x1: int
    y1: int


class FullAnswer(_Answer):
    """What a photo is."""

    predicted_class: BlurClass
    confidence: float = Field(ge=0, le=1, description="The probability of the predicted class.")
    probabilities: dict[str, float] = Field(description="Of each class; they add up to 1.")
    detected: dict[str, bool] = Field(description="The definite answer for each blur type; at most one is true.")
    deciding_crop: Crop | None = Field(
        description="The part that spoke most for the answer; null for a model without parts."
    )
    image_dimensions: Dimensions
    processing_time_ms: float = Field(ge=0)


class TargetedAnswer(_Answer):
    """Whether a photo has one type of blur."""

    blur_type: BlurType
    detected: bool
    confidence: float = Field(ge=0, le=1, description="The probability of the predicted class.")
    predicted_class: BlurClass
    blur_type_probability: float = Field(ge=0, le=1)
    deciding_crop: Crop | None
    image_dimensions: Dimensions
    processing_time_ms: float = Field(ge=0)


class ErrorBody(_Answer):
    """Why there is no answer."""

    code: str = Field(description="For programs; it does not change.")
    message: str = Field(description="For people.")


class JobState(StrEnum):
    """How far a batch has come."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"


class JobStatus(_Answer):
    """A batch."""

    job_id: str
    status: JobState
    total: int = Field(description="Photos in the batch.")
    done: int = Field(description="Photos that have a result, an answer or an error.")
    failed: int = Field(description="Those of them that have an error.")
    expires_at: datetime = Field(description="From then on the batch is not known any more.")


class FullItem(FullAnswer):
    """A photo of a batch, judged."""

    index: int = Field(ge=0, description="Place in the request, from 0.")
    filename: str


class TargetedItem(TargetedAnswer):
    """A photo of a batch, judged for one type of blur."""

    index: int = Field(ge=0, description="Place in the request, from 0.")
    filename: str


class FailedItem(_Answer):
    """A photo of a batch that has no answer."""

    index: int = Field(ge=0, description="Place in the request, from 0.")
    filename: str
    error: ErrorBody


Item = FullItem | TargetedItem | FailedItem
ITEM: TypeAdapter[Item] = TypeAdapter(Item)
"""Reads an item from the JSON it was kept as."""


class JobResults(JobStatus):
    """A batch with what there is of its results, by index; all of them once it is finished."""

    items: list[Item]


class Envelope(_Answer, Generic[Data]):
    """An answer."""

    success: Literal[True] = True
    request_id: str
    data: Data


class ErrorEnvelope(_Answer):
    """A refusal."""

    success: Literal[False] = False
    request_id: str
    error: ErrorBody


class Health(_Answer):
    """The process runs."""

    status: Literal["ok"] = "ok"


class Readiness(_Answer):
    """The server can judge photos."""

    status: Literal["ready"] = "ready"
    model_sha256: str
    classes: list[str]
