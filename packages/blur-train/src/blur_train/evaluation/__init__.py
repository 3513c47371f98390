"""The verb ``evaluate``: how right the shipped classifier is on photos it never saw."""
