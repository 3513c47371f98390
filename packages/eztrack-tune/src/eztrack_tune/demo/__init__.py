"""A drawn library whose camera paths are known, taken through the whole workflow."""
