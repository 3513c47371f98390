"""Light, lenses and shutters: what makes a photo blurred, as physics has it."""
