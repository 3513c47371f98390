"""Train a tracking-failure model from a video, for detection that re-detects only what needs it."""
