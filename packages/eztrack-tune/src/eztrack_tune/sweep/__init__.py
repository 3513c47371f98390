"""``eztrack-tune sweep``: settings tried on clips, every one with every tracker, or searched for."""

from __future__ import annotations
