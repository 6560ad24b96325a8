from ttsai_server.domain import Segment, Turn


class Labeller:
    def __init__(self, turns: tuple[Turn, ...]) -> None:
        self._turns = turns

    def __call__(self, segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
        return segments
