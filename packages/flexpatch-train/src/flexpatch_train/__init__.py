"""Train a tracking-failure model from a video, and detect on every frame at a fraction of the pixels with it.

For applications::

    from flexpatch_train import FlexPatch, TrackingFailureRecommender
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flexpatch_train.runtime.failure import TrackingFailureRecommender
    from flexpatch_train.runtime.pipeline import FlexPatch

__all__ = ["FlexPatch", "TrackingFailureRecommender"]


def __getattr__(name: str) -> object:
    """Import the runtime when it is first asked for: the command line's help needs none of it."""
    if name == "FlexPatch":
        from flexpatch_train.runtime.pipeline import FlexPatch

        return FlexPatch
    if name == "TrackingFailureRecommender":
        from flexpatch_train.runtime.failure import TrackingFailureRecommender

        return TrackingFailureRecommender
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
