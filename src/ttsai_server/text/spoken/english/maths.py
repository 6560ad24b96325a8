"""Sums and formulas: 5 - 3 = 2, 2x + 3, 10 / 2, x^2, 2^10, 1e6."""

import re

from ttsai_server.text.spoken.numbers import NUMBER, Numbers
from ttsai_server.text.spoken.rules import Rule

_NEAR = 40
"""Characters around an operator in which another one is looked for."""
_OPERATOR = re.compile(r"[=≠≈≤≥<>÷√]|(?<=[\w)]) ?[+*^×] ?(?=[\w(√−-])")


def _within_a_sum(m: re.Match[str]) -> bool:
    """Whether there is an equals sign or another clear operator nearby: without one 5 - 3 is a range, 1/2 a half."""
    line = m.string.rfind("\n", max(0, m.start() - _NEAR), m.start())
    near = m.string[max(line, m.start() - _NEAR, 0) : m.start()] + "\0" + m.string[m.end() : m.end() + _NEAR]
    return _OPERATOR.search(near.split("\n", 1)[0] if line < 0 else near) is not None


def _operator(said: str, m: re.Match[str]) -> str:
    return f" {said} " if _within_a_sum(m) else m[0]


def signs() -> list[Rule]:
    """Minus and division, to be taken before a range or a date can be seen in them."""
    before = r"(?<![\w/'’])(?<!\d )[b-hj-z](?=(?: [-−+]| ?[+=^×÷<>])=? ?[\w(√−-])(?!\w)"
    after = r"(?<=[=+×÷<>−] )[b-hj-z](?!\w)"
    operand = r"(?=[\d(√]|[A-Za-z](?!\w))"
    return [
        (re.compile(r"(?<![\w.])(\d+)([xyzn])(?=\^| ?[-–+=−]| ?\*)(?!\w)"), lambda m: f"{m[1]} {m[2].upper()}"),
        (re.compile(rf"(?:(?<=[\d)])|(?<=\b[A-Za-z])) [-–−] {operand}"), lambda m: _operator("minus", m)),
        (re.compile(r"(?<=\d)−(?=\d)"), lambda m: " minus "),
        (re.compile(r"(?<![\d.,-])(\d{1,9})[-–](?=\d{1,9} ?=(?!=))"), lambda m: f"{m[1]} minus "),
        (re.compile(r"(?<=[\d)]) / (?=[\d(])"), lambda m: " divided by "),
        (re.compile(r"(?<![\d/.])(\d{1,9})/(\d{1,9})(?= ?=)"), _quotient),
        (re.compile(r"(?<=\d) ?[x*] ?(?=\d)"), lambda m: " times " if m[0].strip() == "*" or _has_equals(m) else m[0]),
        (re.compile(rf"{before}|{after}"), lambda m: m[0].upper()),
    ]  # fmt: skip


def _quotient(m: re.Match[str]) -> str:
    """10/2 = 5, but 2/4 = 1/2 has fractions."""
    return f"{m[1]} divided by {m[2]}" if int(m[1]) >= int(m[2]) else m[0]


def _has_equals(m: re.Match[str]) -> bool:
    return re.match(r"[\d.,]* ?=", m.string[m.end() : m.end() + 16]) is not None


def powers(say: Numbers) -> list[Rule]:
    def power(m: re.Match[str]) -> str:
        named = {"2": " squared ", "3": " cubed "}.get(m[1])
        return named or f" to the power of {'minus ' if m[1][0] in '-−' else ''}{say.number(m[1].lstrip('-−'))} "

    def scientific(m: re.Match[str]) -> str:
        sign = "minus " if m[2][0] in "-−" else ""
        return f"{say.number(m[1])} times ten to the power of {sign}{say.whole(m[2].lstrip('+-−'))}"

    return [
        (re.compile(rf"(?<![\w.])({NUMBER})[eE]([+-]?\d+)\b"), scientific),
        (re.compile(r"\^([-−]?\d+)"), power),
        (re.compile(r"\^(?=[A-Za-z])"), lambda m: " to the power of "),
    ]
