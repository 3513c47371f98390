"""A model measured on video files that it never saw."""
