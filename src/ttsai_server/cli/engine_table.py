"""The table of engines in README.md, made from the cards: ttsai-server models list --markdown."""

from collections.abc import Iterable, Sequence

from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import load_class

HEAD = "| models | they do | languages | licence of the weights | commercial use | files, MB | memory, MB | packages |"
MODELS, LANGUAGES = 4, 8
"""More names of models, or of languages, are given by the first, the last and their number."""


def engine_table(cards: Iterable[ModelCard]) -> str:
    """A table in Markdown: a row for the models that share an engine, what they do, a licence and its terms.

    The voices of a family, each of which may have a licence of its own, share a row.
    """
    rows: dict[tuple[object, ...], list[ModelCard]] = {}
    for card in cards:
        if not card.demo:
            terms = () if card.listed_as == card.family else (card.licence, card.commercial)
            rows.setdefault((card.engine, card.tasks, *terms), []).append(card)
    return "\n".join([HEAD, "|---" * HEAD.count(" | ") + "|---|", *map(_row, rows.values())])


def _row(cards: Sequence[ModelCard]) -> str:
    first = cards[0]
    cells = (
        _some([f"`{name}`" for name in dict.fromkeys(card.listed_as for card in cards)], MODELS),
        ", ".join(task.replace("_", " ") for task in first.tasks),
        _some(sorted({code for card in cards for code in card.languages}), LANGUAGES) or "any",
        first.licence.removeprefix("LicenseRef-") if len({card.licence for card in cards}) == 1 else "each its own",
        _said({card.commercial for card in cards}),
        _range([card.size for card in cards]),
        _range([card.memory for card in cards]),
        _packages(first),
    )
    return f"| {' | '.join(cells)} |"


def _some(names: Sequence[str], most: int) -> str:
    return ", ".join(names) if len(names) <= most else f"{names[0]} … {names[-1]} ({len(names)})"


def _said(allowed: set[bool]) -> str:
    return "some" if len(allowed) > 1 else "yes" if True in allowed else "**no**"


def _range(numbers: Sequence[int]) -> str:
    known = sorted(number for number in numbers if number)
    return "" if not known else f"{known[0]}" if known[0] == known[-1] else f"{known[0]}–{known[-1]}"


def _packages(card: ModelCard) -> str:
    if card.environment:
        return "an environment of its own"
    extra = load_class(card).extra
    return f"`[{extra}]`" if extra else ""
