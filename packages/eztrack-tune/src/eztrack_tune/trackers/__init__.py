"""Trackers behind one protocol: Blender's own in a process of its own, and one on OpenCV that is always there."""

from __future__ import annotations
