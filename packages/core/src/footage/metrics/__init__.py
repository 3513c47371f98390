"""Scores as pure functions of numpy arrays; import the module you need (``footage.metrics.boxes`` and so on)."""
