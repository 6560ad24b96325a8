"""GPT-SoVITS by RVC-Boss: speech with the voice of a few seconds of a recording."""
