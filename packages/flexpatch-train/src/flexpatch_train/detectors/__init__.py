"""Detectors: one interface over models, files of detections and plain motion."""
