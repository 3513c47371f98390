"""Drawn photos whose subject, blur and camera are known exactly."""
