"""The tracker that is always there: Blender's way of matching patterns, on OpenCV, with a solve by COLMAP's library."""

from __future__ import annotations
