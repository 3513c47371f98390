"""The console script ``footage``: what one asks of a video, of this machine, and of a finished run."""
