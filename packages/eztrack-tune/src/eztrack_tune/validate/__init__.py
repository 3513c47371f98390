"""Whether what should ship holds on clips that it was not tuned on."""
