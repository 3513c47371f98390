"""The verb ``export``: from a training to the files that ship."""
