"""What the name of a model means to who runs the server."""

from pathlib import Path

from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.weights.model_folder import wanted
from ttsai_server.services.availability import listed, meant
from ttsai_server.settings import Models, Settings

CATALOG = Catalog.read(Settings().models.cards)


def ids(folder: Path, name: str) -> list[str]:
    return [card.id for card in meant(CATALOG.family(name), Models(dir=folder))]


def put(folder: Path, model: str) -> None:
    """Empty files in place of a model's weights: they are not loaded."""
    for file in wanted(CATALOG.models[model]):
        (folder / model / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / model / file).write_bytes(b"-")


def test_a_family_of_which_nothing_is_here_means_its_first(tmp_path: Path) -> None:
    assert ids(tmp_path, "piper") == ["piper-en_US-joe-medium"]


def test_else_it_means_those_that_are_here(tmp_path: Path) -> None:
    put(tmp_path, "piper-fr_FR-siwis-medium")
    put(tmp_path, "piper-es_MX-ald-medium")
    assert ids(tmp_path, "piper") == ["piper-es_MX-ald-medium", "piper-fr_FR-siwis-medium"]


def test_one_model_means_itself_whether_it_is_here_or_not(tmp_path: Path) -> None:
    assert ids(tmp_path, "kokoro") == ["kokoro"]
    assert ids(tmp_path, "piper-fr_FR-siwis-medium") == ["piper-fr_FR-siwis-medium"]


def test_lists_for_who_runs_the_server_are_not_flooded_by_voices_that_are_not_here(tmp_path: Path) -> None:
    put(tmp_path, "piper-fr_FR-siwis-medium")
    found = [card.id for card in listed(CATALOG, Models(dir=tmp_path))]
    assert [id for id in found if id.startswith("piper")] == ["piper-fr_FR-siwis-medium"]
    assert {"kokoro", "spleeter-2stems", "spleeter-5stems"} <= set(found)
