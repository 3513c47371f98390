"""``video-train train``: a student learns from video files, with a teacher and without."""
