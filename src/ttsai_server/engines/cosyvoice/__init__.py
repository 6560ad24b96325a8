"""CosyVoice 2 by Alibaba: text to speech with the voice of a recording."""
