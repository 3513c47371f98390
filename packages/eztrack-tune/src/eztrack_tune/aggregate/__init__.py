"""From sessions to a recommendation for each class, compared on the same clips."""
