"""The verb ``train``: from a prepared data set to a classifier, its operating points and the evidence for it."""
