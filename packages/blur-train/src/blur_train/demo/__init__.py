"""Drawn photos whose blur is known, taken through the whole workflow."""
