"""Training with torch: one loop to be read from top to bottom, and what it stands on. Needs ``footage-core[torch]``.

Importing this package loads nothing; its modules load torch.
"""
