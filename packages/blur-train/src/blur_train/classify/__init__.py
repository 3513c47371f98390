"""Photos to answers: read in parallel, remembered in a journal, written beside nobody's originals unless asked."""
