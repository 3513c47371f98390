"""Frames out of labelled clips: a data set that can be trained on again and again."""
