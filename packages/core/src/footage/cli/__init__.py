"""Command lines: what the five tools share of parsing, talking, progress, errors and exit codes.

Nothing here imports a numeric library: ``--help`` must answer at once.
"""
