"""A self-hosted speech server with the TTS.ai REST API."""
