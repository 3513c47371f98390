"""Cutting a reel: which moments, how long, joined how; the film, and timelines for editors."""
