"""Making voices of recordings."""

from dataclasses import dataclass

from ttsai_server.domain.models import Reference
from ttsai_server.domain.steps import RecordingStep


@dataclass(frozen=True, slots=True)
class Embedding(RecordingStep):
    """The result of one step of making a voice from a recording."""

    reference: Reference | None = None
    """The voice; None in all steps but the last."""
