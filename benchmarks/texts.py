"""Texts to speak, in which no line occurs twice, so that caches give no advantage."""

from collections.abc import Iterator
from itertools import count

_SUBJECTS = (
    "the ferry to the northern islands",
    "my grandmother's old bakery",
    "a small team of surveyors",
    "the night train from the coast",
    "our neighbour's apple orchard",
    "the museum's newest curator",
    "an amateur astronomer",
    "the village brass band",
    "a retired lighthouse keeper",
    "the committee for public gardens",
    "the harbour's youngest pilot",
)
_VERBS = (
    "waited for the weather to turn",
    "kept a careful record of every visitor",
    "found a letter that nobody had opened",
    "set out before the first light",
    "argued about the colour of the gate",
    "learned to repair its own instruments",
    "sold the last of the summer honey",
    "measured the same field three times",
    "forgot to lock the cellar door",
    "painted the railings a deep green",
    "planned a concert for the spring",
    "counted the swans below the bridge",
    "asked for a second opinion",
)
_ENDINGS = (
    "and nobody thought it strange.",
    "because the road had been closed since Tuesday.",
    "while the children slept upstairs.",
    "although the map said otherwise.",
    "and the whole street came to look!",
    "which surprised even the mayor.",
    "so the meeting was moved to the library.",
    "until the rain drove everyone indoors.",
    "for reasons that were never explained.",
    "and who could blame them?",
    "before the shops had opened.",
    "as they had done every winter for forty years.",
    "without asking for a single coin.",
    "and it was talked about for weeks.",
    "since there was nothing else to do.",
    "but the clock had already stopped.",
    "in spite of all that had been promised.",
)


def prose(characters: int, chapter: int = 0) -> str:
    """English sentences, other ones for each chapter; at most so many characters, and less by no more than a word."""
    text = ""
    for sentence in _sentences(chapter):
        text = f"{text} {sentence}".strip()
        if len(text) >= characters:
            break
    return text[: characters - 1].rpartition(" ")[0].rstrip(" ,.!?") + "."


def _sentences(chapter: int) -> Iterator[str]:
    # the three lengths have no common divisor: 2,431 sentences before one comes again
    for number in count(chapter * 101):
        subject, verb, ending = (words[number % len(words)] for words in (_SUBJECTS, _VERBS, _ENDINGS))
        yield f"{subject[0].upper()}{subject[1:]} {verb}, {ending}"
