"""One video scored, and shown: where in it the model sees a highlight."""
