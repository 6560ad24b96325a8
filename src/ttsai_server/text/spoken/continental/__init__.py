"""Spanish, French, Italian, Portuguese and Hindi as they are spoken: one set of rules, a table of words a language."""

from ttsai_server.text.spoken.continental.french import FRENCH
from ttsai_server.text.spoken.continental.hindi import HINDI
from ttsai_server.text.spoken.continental.italian import ITALIAN
from ttsai_server.text.spoken.continental.portuguese import PORTUGUESE
from ttsai_server.text.spoken.continental.rules import Continental
from ttsai_server.text.spoken.continental.spanish import SPANISH

__all__ = ["FRENCH", "HINDI", "ITALIAN", "PORTUGUESE", "SPANISH", "Continental"]
