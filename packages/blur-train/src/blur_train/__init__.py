"""Make a photo-blur classifier of three blur types and sharp, and serve it."""
