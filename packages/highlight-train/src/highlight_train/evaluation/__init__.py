"""How well a model ranks and finds highlights in clips that it never saw, by the way that ships."""
