"""A self-hosted speech server with the TTS.ai REST API."""

__version__ = "0.1.0"
