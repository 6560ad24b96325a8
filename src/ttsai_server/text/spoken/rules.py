"""A rewriting rule: what to find in the written text, and how to say it."""

import re
from collections.abc import Callable, Iterable

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def table(words: dict[str, str], before: str = r"(?<!\w)", after: str = r"(?!\w)", flags: int = 0) -> Rule:
    """One rule that replaces every key found between `before` and `after` by its value, longest key first."""
    keys = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(f"{before}(?:{keys}){after}", flags), lambda m: words[m[0]]


def rewrite(text: str, rules: Iterable[Rule]) -> str:
    """The text after every rule, each over the whole text, in order."""
    for pattern, say in rules:
        text = pattern.sub(say, text)
    return text
