"""The local web page on which clips are watched and labelled."""
