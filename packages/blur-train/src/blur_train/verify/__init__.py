"""The exported model, the command line and a live server, held against each other and against expected answers."""
