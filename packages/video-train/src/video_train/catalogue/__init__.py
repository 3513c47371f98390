"""What is learned from: videos, their labels, and what must stay on one side of a split."""
