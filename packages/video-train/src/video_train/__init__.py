"""Train straight from video files, with knowledge distillation that is measured."""
