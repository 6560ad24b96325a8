"""What several adapters use: an engine may import this room, `base`, and nothing else of `engines`."""
