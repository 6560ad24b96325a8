"""A rewriting rule: what to find in the written text, and how to say it."""

import re
from collections.abc import Callable, Iterable

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]


def any_of(signs: Iterable[str]) -> str:
    """A pattern for any of the signs, the longest first."""
    return "|".join(re.escape(sign) for sign in sorted(signs, key=len, reverse=True))


def table(words: dict[str, str], before: str = r"(?<!\w)", after: str = r"(?!\w)", flags: int = 0) -> Rule:
    """One rule that replaces every key found between `before` and `after` by its value, longest key first."""
    return re.compile(f"{before}(?:{any_of(words)}){after}", flags), lambda m: words[m[0]]


def rewrite(text: str, rules: Iterable[Rule]) -> str:
    """The text after every rule, each over the whole text, in order."""
    for pattern, say in rules:
        text = pattern.sub(say, text)
    return text
