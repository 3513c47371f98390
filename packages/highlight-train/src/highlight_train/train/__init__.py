"""From labelled clips to a highlight model and the evidence for it."""
