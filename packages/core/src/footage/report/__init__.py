"""Reports: one self-contained HTML page a run, its figures and its sheets of pictures."""
