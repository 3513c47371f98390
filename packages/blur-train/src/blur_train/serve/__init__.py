"""The classifier behind HTTP: one photo at a time, or batches through a queue."""
