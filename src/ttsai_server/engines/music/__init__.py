"""Key, tempo and metre of music."""
