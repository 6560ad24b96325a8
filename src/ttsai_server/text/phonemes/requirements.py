"""Which extras reading a language takes; apart from what uses them, and light to import."""

from importlib.util import find_spec

NEEDED = {"ja": ("fugashi", "jaconv", "mojimoji", "unidic_lite"), "zh": ("cn2an", "jieba", "pypinyin")}
"""Extra, named as the language → modules that it brings."""


def missing_extra(language: str) -> str:
    """The extra, not installed here, that a language (BCP 47) needs; empty: none. Imports nothing."""
    code = language.split("-")[0]
    return "" if all(map(find_spec, NEEDED.get(code, ()))) else code
