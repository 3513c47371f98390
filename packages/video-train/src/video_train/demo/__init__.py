"""``video-train demo``: from drawn videos whose class is their movement to a report."""
