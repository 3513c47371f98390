"""From the parts of a frame that are worth a look to one detector call, and back."""
