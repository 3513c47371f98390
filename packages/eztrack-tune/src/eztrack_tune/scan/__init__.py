"""What a library holds: class, difficulty and motion of every clip, and which clips are held out."""
