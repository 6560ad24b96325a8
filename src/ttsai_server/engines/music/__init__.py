"""Key, tempo and metre of music, from features that librosa computes."""
