"""From folders of photos by class to a data set that is split by group and written down."""
