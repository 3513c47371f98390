"""The add-on's session files: read in every version, checked against themselves, and written."""
