"""Run folders: atomic files, journals that survive a crash, and what a run was made with."""
