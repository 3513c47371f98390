"""What the five trainers share: video, sampling, data sets, metrics, persistence, runs, reports, command lines.

Importing this package costs next to nothing: heavy libraries are imported by the modules that need them.
"""
