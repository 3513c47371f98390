"""What a model sees in videos, over time."""
