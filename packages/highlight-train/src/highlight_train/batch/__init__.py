"""A whole library scored: found, read in parallel, remembered in a journal, and told in files others can use."""
