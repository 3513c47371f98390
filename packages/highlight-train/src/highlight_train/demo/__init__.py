"""A drawn library whose truth is known, taken through the whole workflow."""
