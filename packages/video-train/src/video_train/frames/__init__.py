"""Folders of frames made into videos."""
