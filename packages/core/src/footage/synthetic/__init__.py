"""Made-up footage whose truth is known exactly, for demonstrations and tests."""

from __future__ import annotations
