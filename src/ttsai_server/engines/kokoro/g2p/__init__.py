"""Text → Kokoro's phonemes, one `Phonemizer` a language.

Light to import: spaCy, misaki and the other packages are imported by `Phonemizer.load` only.
"""

from ttsai_server.engines.kokoro.g2p.phonemizer import Phonemizer

__all__ = ["Phonemizer"]
