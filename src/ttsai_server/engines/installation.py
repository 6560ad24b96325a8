"""Whether the packages that a model's engine needs are installed, and the command that installs them."""

from pathlib import Path

from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import load_class
from ttsai_server.engines.environments import is_whole
from ttsai_server.errors import PackagesMissing


def install_command(card: ModelCard, models: Path) -> str | None:
    """The command that installs the missing packages of the model's engine; None if none is missing.

    Args:
        card: the model.
        models: the folder of all weights, `models.dir`.
    """
    if card.environment:
        return None if is_whole(card, models) else f"ttsai-server models install {card.id}"
    engine = load_class(card)
    return None if engine.installed() else engine.install_command()


def require_installed(card: ModelCard, models: Path) -> None:
    """Raise PackagesMissing, with the command that installs them, if packages of the model's engine are missing."""
    if command := install_command(card, models):
        raise PackagesMissing(card.id, command)
