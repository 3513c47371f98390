"""Sessions without what tells whose they are: made, looked at, sent, and learned from."""
