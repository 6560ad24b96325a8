"""Tortoise by James Betker: text to speech and voice cloning."""
