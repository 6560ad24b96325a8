"""Whisper's language codes."""

ENGLISH = "en"
WHISPERS_OWN = {"jv": "jw"}
"""ISO 639-1 code → Whisper's code, where they differ."""
ISO = {own: code for code, own in WHISPERS_OWN.items()}
"""Whisper's code → ISO 639-1 code, where they differ."""
