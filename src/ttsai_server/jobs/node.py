"""The name of this server, which distinguishes it from others on the same database."""

from pathlib import Path
from secrets import token_hex

from ttsai_server.settings import Settings


def name_of(settings: Settings) -> str:
    """This server's name, the same at each start: a server resumes the work that its name has left."""
    if settings.jobs.node:
        return settings.jobs.node
    file = settings.data_dir / "node"
    if not file.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        _write(file, f"node_{token_hex(8)}")
    return file.read_text().strip()


def _write(file: Path, name: str) -> None:
    """Write the file atomically: with half a name, the next start would not find its jobs."""
    whole = file.with_suffix(f".{token_hex(4)}")
    whole.write_text(name)
    whole.rename(file)
