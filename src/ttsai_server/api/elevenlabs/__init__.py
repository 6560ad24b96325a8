"""ElevenLabs' API, for its clients: speech, also of a text that is still being written, voices and transcription.

The shapes are those of the types in ElevenLabs' packages for Python and Node.
"""
