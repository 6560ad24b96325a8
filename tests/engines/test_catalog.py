from collections import Counter
from pathlib import Path

import pytest

from ttsai_server.domain import Capability
from ttsai_server.engines.base import Analyzer, Diarizer, Engine, Enhancer, Separator, Synthesizer, Transcriber
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.errors import BadCard, BadRequest, NotFound, UnknownModel
from ttsai_server.settings import CHECKOUT

CARDS = CHECKOUT / "models"
PROTOCOLS: dict[Capability, type[Engine]] = {
    Capability.TTS: Synthesizer,
    Capability.STT: Transcriber,
    Capability.DIARIZATION: Diarizer,
    Capability.SEPARATION: Separator,
    Capability.ANALYSIS: Analyzer,
    Capability.ENHANCEMENT: Enhancer,
    Capability.CLARITY: Enhancer,
    Capability.SUPER_RESOLUTION: Enhancer,
    Capability.ECHO_REMOVAL: Enhancer,
    Capability.DEREVERBERATION: Enhancer,
}
LANGUAGES = {"en-us": 20, "en-gb": 8, "es": 3, "fr": 1, "hi": 4, "it": 2, "ja": 5, "pt-br": 3, "zh": 8}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.read(CARDS)


@pytest.fixture(scope="module")
def demo() -> Catalog:
    return Catalog.read(CARDS, demo=True)


def test_kokoro_has_all_its_voices(catalog: Catalog) -> None:
    assert Counter(voice.language for voice in catalog.voices("kokoro")) == LANGUAGES


def test_kokoro_voices_are_named_for_language_and_gender(catalog: Catalog) -> None:
    genders = {"f": "female", "m": "male"}
    letters = {"en-us": "a", "en-gb": "b", "pt-br": "p"}
    for voice in catalog.voices("kokoro"):
        assert voice.id[0] == letters.get(voice.language, voice.language[0])
        assert voice.gender == genders[voice.id[1]]


def test_every_file_of_kokoro_has_a_checksum_in_every_source(catalog: Catalog) -> None:
    for source in catalog.resolve("kokoro", Capability.TTS).sources:
        assert source.files.keys() == source.sha256.keys()


def test_demo_models_are_shown_only_when_asked_for(catalog: Catalog, demo: Catalog) -> None:
    assert "tone" not in catalog.models
    assert "tone_a" not in catalog.speakers
    assert {voice.id for voice in demo.voices("tone")} == {"tone_a", "tone_c"}


def test_a_model_is_not_found_by_another_task(catalog: Catalog) -> None:
    with pytest.raises(UnknownModel, match="is for tts, not for this"):
        catalog.resolve("kokoro", Capability.STT)


@pytest.mark.parametrize("name", ["", "Kokoro", "kokoro.toml", "../kokoro"])
def test_an_unknown_model_is_not_found(catalog: Catalog, name: str) -> None:
    with pytest.raises(UnknownModel):
        catalog.resolve(name, Capability.TTS)


def test_an_alias_means_its_model(tmp_path: Path) -> None:
    copy_card(tmp_path, "tone", 'demo = true\naliases = ["sine"]')
    found = Catalog.read(tmp_path, demo=True)
    assert found.resolve("sine", Capability.TTS).id == "tone"
    assert [card.id for card in found.cards(Capability.TTS)] == ["tone"]


def test_an_unknown_voice_is_not_found(catalog: Catalog) -> None:
    with pytest.raises(NotFound, match="Unknown voice: 'nobody'"):
        catalog.voice(catalog.models["kokoro"], "nobody")


def test_a_voice_of_another_model_is_refused_and_its_model_named(demo: Catalog) -> None:
    with pytest.raises(BadRequest, match="'tone_a' belongs to 'tone'"):
        demo.voice(demo.models["kokoro"], "tone_a")


def test_every_voice_of_a_blend_is_checked(demo: Catalog) -> None:
    card = demo.models["kokoro"]
    assert [(v.id, w) for v, w in demo.blend(card, "af_bella(2)+af_sky")] == [("af_bella", 2.0), ("af_sky", 1.0)]
    with pytest.raises(NotFound):
        demo.blend(card, "af_bella+nobody")
    with pytest.raises(BadRequest):
        demo.blend(card, "af_bella+tone_a")


def test_voices_are_filtered_by_language_and_gender(catalog: Catalog) -> None:
    assert len(catalog.voices(language="en")) == 28
    assert len(catalog.voices(language="en-GB", gender="male")) == 4
    assert catalog.voices(language="e") == []


def test_voices_of_an_unknown_model_are_not_found(catalog: Catalog) -> None:
    with pytest.raises(UnknownModel):
        catalog.voices("nothing")


def test_two_cards_may_not_share_a_name(tmp_path: Path) -> None:
    copy_card(tmp_path, "tone", 'demo = true\naliases = ["kokoro"]')
    copy_card(tmp_path, "kokoro")
    with pytest.raises(BadCard, match=r"tone\.toml: aliases: 'kokoro' is already given by .*kokoro\.toml"):
        Catalog.read(tmp_path, demo=True)


def test_two_cards_may_not_share_a_voice(tmp_path: Path) -> None:
    copy_card(tmp_path, "tone")
    (tmp_path / "twin.toml").write_text((CARDS / "tone.toml").read_text().replace('id = "tone"', 'id = "twin"'))
    with pytest.raises(BadCard, match=r"twin\.toml: voices: 'tone_a' is already given"):
        Catalog.read(tmp_path, demo=True)


@pytest.mark.parametrize("engine", ["no.such.module:Engine", "ttsai_server.engines.base:Nothing", "pathlib:Path"])
def test_an_engine_that_is_not_there_is_named(tmp_path: Path, engine: str) -> None:
    text = (CARDS / "tone.toml").read_text().replace("ttsai_server.engines.tone:Tone", engine)
    (tmp_path / "tone.toml").write_text(text)
    with pytest.raises(BadCard, match=r"tone\.toml: engine: "):
        load_class(read_card(tmp_path / "tone.toml"))


@pytest.mark.parametrize("file", sorted(CARDS.glob("*.toml")), ids=lambda file: file.stem)
def test_every_card_has_an_adapter(file: Path) -> None:
    card = read_card(file)
    assert issubclass(load_class(card), PROTOCOLS[card.task])


def copy_card(folder: Path, name: str, demo: str = "demo = true") -> None:
    """A shipped card, with its line `demo = true` replaced."""
    (folder / f"{name}.toml").write_text((CARDS / f"{name}.toml").read_text().replace("demo = true", demo))
