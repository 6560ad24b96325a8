"""A Piper voice with the weights of another, for voices whose own no registry has."""

import json
from pathlib import Path

from ttsai_server.engines.piper.voice import CONFIG, MODEL


def write_voice(folder: Path, real: Path, **changes: object) -> Path:
    """In `folder`, the model of the voice in `real`, whose description is changed. → folder."""
    (folder / MODEL).symlink_to(real / MODEL)
    (folder / CONFIG).write_text(json.dumps(json.loads((real / CONFIG).read_text()) | changes))
    return folder
