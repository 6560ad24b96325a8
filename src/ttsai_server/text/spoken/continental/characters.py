"""One form for each character, before any rule."""

import re

from ttsai_server.text.spoken.english import signs


def fold(text: str) -> str:
    """As in English, but º and ª are kept, so that nº is no "no", and every digit is one of 0 to 9."""
    folded = re.sub("[^ºª]+", lambda m: signs.fold(m[0]), text.replace("№", "nº"))
    return re.sub(r"(?![0-9])\d", lambda m: str(int(m[0])), folded)
