"""Learn what you call a highlight, score a video library, cut a reel."""
