"""From the weights of a training to a file that other programs run."""
