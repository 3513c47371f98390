"""Blender's tracker, driven without a window in a process of its own."""

from __future__ import annotations
