"""Text → Kokoro's phonemes, one `Phonemizer` a language.

Light to import: spaCy, misaki and the other packages are imported by `Phonemizer.load` only.
"""

from ttsai_server.engines.kokoro.g2p.phonemizer import INSTALL_MISAKI, Phonemizer

__all__ = ["INSTALL_MISAKI", "Phonemizer"]
