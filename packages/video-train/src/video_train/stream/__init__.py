"""Labels of video that is still coming, and recording it to learn from."""
