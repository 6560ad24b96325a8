"""Converts LaTeX formulas in a text, as chat models write them, to signs and words that can be spoken."""

import regex

_SIGNS = {
    "times": "×", "cdot": "×", "ast": "×", "div": "÷", "pm": "±", "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥",
    "neq": "≠", "ne": "≠", "lt": "<", "gt": ">", "approx": "≈", "to": "→", "rightarrow": "→", "Rightarrow": "⇒",
    "implies": "⇒", "infty": "∞", "sqrt": "√", "pi": "π", "sum": "∑", "degree": "°", "circ": "°", "ldots": "…",
    "dots": "…", "cdots": "…",
}  # fmt: skip
_SILENT = frozenset(
    ("left", "right", "text", "mathrm", "mathbf", "mathit", "mathbb", "operatorname", "displaystyle", "quad", "qquad")
)
"""Commands that concern only the appearance."""
_FORMULA = regex.compile(
    r"\$\$(?P<display>[^$]{1,500})\$\$"
    r"|(?<![\w$\\])\$(?=[\p{L}\\(]|[^\s$][^$\n]{0,300}[=^\\_])(?P<inline>[^$\n]{1,300})(?<=\S)\$(?![\w$])"
    r"|\\\((?P<round>[^\n]{1,300}?)\\\)|\\\[(?P<square>[^$]{1,500}?)\\\]"
)
"""`$x$`, but not the dollar signs in `$5 and $6`."""
_FRACTION = regex.compile(r"\\[dt]?frac\s*\{([^{}]{1,100})\}\s*\{([^{}]{1,100})\}")
_COMMAND = regex.compile(r"\\([A-Za-z]+)\s*")
_LAYOUT = regex.compile(r"\\[,;:! \\]|[{}&~]")


def read_formulas(text: str) -> str:
    """Replace each formula by readable text: `$\\frac{1}{2}$` → 1/2, `\\(a \\times b\\)` → a × b."""
    return _FORMULA.sub(lambda found: _read(next(filter(None, found.groups()))), text)


def _read(formula: str) -> str:
    plain = _FRACTION.sub(lambda found: " / ".join(map(_operand, found.groups())), formula)
    plain = _LAYOUT.sub(" ", _COMMAND.sub(_command, plain).replace("_", " "))
    return " ".join(plain.split()).replace("√ ", "√").replace("^ ", "^")


def _operand(part: str) -> str:
    return part if part.isalnum() else f"({part})"


def _command(found: regex.Match[str]) -> str:
    name = found[1]
    return "" if name in _SILENT else f" {_SIGNS.get(name, name)} "
