"""Languages as Whisper's checkpoints name them."""

ENGLISH = "en"
WHISPERS_OWN = {"jv": "jw"}
"""ISO 639-1 code → the code that Whisper has for it, where they differ."""
ISO = {own: code for code, own in WHISPERS_OWN.items()}
