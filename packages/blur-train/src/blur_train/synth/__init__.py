"""Photos blurred as lenses and shutters do, from the user's own sharp ones."""
