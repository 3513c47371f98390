"""The verb `watch`: the runtime on a video, drawn on it or streamed."""
