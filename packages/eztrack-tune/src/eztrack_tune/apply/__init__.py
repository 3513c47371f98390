"""The table written into the add-on's source, and nothing else in the file."""
