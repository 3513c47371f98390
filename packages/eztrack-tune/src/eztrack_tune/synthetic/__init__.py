"""Clips of a drawn scene whose camera path is known exactly: what a solve is measured against."""

from __future__ import annotations
