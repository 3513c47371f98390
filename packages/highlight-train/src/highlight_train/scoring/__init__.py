"""From a video file to how much of a highlight it is, and when."""
