"""The verb `evaluate`: what the runtime delivers for its cost, on MOT ground truth."""
