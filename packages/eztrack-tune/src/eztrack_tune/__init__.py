"""Find the best defaults of Blender's motion tracker for each class of footage."""
