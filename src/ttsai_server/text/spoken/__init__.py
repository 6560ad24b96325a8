"""Written text → spoken text: every figure, sign and abbreviation in words."""

from ttsai_server.text.spoken.continental import FRENCH, HINDI, ITALIAN, PORTUGUESE, SPANISH, Continental
from ttsai_server.text.spoken.english import English

__all__ = ["FRENCH", "HINDI", "ITALIAN", "PORTUGUESE", "SPANISH", "Continental", "English"]
