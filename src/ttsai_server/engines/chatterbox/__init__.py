"""Chatterbox by Resemble AI: text to speech, voice cloning and conversion with one set of weights."""
