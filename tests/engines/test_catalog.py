from collections import Counter
from pathlib import Path

import pytest

from ttsai_server.domain import Capability
from ttsai_server.engines.base import (
    Analyzer,
    Chatter,
    Cloner,
    Converter,
    Diarizer,
    Engine,
    Enhancer,
    Separator,
    SpeechDetector,
    Synthesizer,
    Transcriber,
    Translator,
)
from ttsai_server.engines.cards import read_cards
from ttsai_server.engines.catalog import Catalog, load_class
from ttsai_server.errors import BadCard, UnknownModel
from ttsai_server.settings import CHECKOUT

CARDS = CHECKOUT / "models"
PROTOCOLS: dict[Capability, type[Engine]] = {
    Capability.TTS: Synthesizer,
    Capability.STT: Transcriber,
    Capability.CLONE: Cloner,
    Capability.VOICE_CONVERSION: Converter,
    Capability.DIARIZATION: Diarizer,
    Capability.SEPARATION: Separator,
    Capability.ANALYSIS: Analyzer,
    Capability.ENHANCEMENT: Enhancer,
    Capability.CLARITY: Enhancer,
    Capability.SUPER_RESOLUTION: Enhancer,
    Capability.ECHO_REMOVAL: Enhancer,
    Capability.DEREVERBERATION: Enhancer,
    Capability.TRANSLATION: Translator,
    Capability.CHAT: Chatter,
    Capability.SPEECH_DETECTION: SpeechDetector,
}
LANGUAGES = {"en-us": 20, "en-gb": 8, "es": 3, "fr": 1, "hi": 4, "it": 2, "ja": 5, "pt-br": 3, "zh": 8}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.read(CARDS)


@pytest.fixture(scope="module")
def demo() -> Catalog:
    return Catalog.read(CARDS, demo=True)


def test_kokoro_has_all_its_voices(catalog: Catalog) -> None:
    assert Counter(voice.language for voice in catalog.models["kokoro"].voices) == LANGUAGES


def test_kokoro_voices_are_named_for_language_and_gender(catalog: Catalog) -> None:
    genders = {"f": "female", "m": "male"}
    letters = {"en-us": "a", "en-gb": "b", "pt-br": "p"}
    for voice in catalog.models["kokoro"].voices:
        assert voice.id[0] == letters.get(voice.language, voice.language[0])
        assert voice.gender == genders[voice.id[1]]


def test_every_file_of_kokoro_has_a_checksum_in_every_source(catalog: Catalog) -> None:
    for source in catalog.resolve("kokoro", Capability.TTS).sources:
        assert source.files.keys() == source.sha256.keys()


def test_there_are_at_least_142_voices_each_with_its_licence(catalog: Catalog) -> None:
    assert len(catalog.speakers) >= 142
    assert all(catalog.models[voice.model].licence for voice in catalog.speakers.values())


def test_every_piper_voice_is_a_model_of_its_own_whose_files_can_be_checked(catalog: Catalog) -> None:
    cards = catalog.family("piper")
    assert [[voice.id for voice in card.voices] for card in cards] == [[card.id[len("piper-") :]] for card in cards]
    assert all(source.md5.keys() == source.files.keys() for card in cards for source in card.sources)
    assert all(card.size for card in cards)


def test_the_first_piper_voice_is_one_that_a_package_registry_has(catalog: Catalog) -> None:
    assert "pypi" in {source.kind for source in catalog.family("piper")[0].sources}


def test_demo_models_are_shown_only_when_asked_for(catalog: Catalog, demo: Catalog) -> None:
    assert "tone" not in catalog.models
    assert "tone_a" not in catalog.speakers
    assert {voice.id for voice in demo.models["tone"].voices} == {"tone_a", "tone_c"}


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


def family(folder: Path, **changes: str) -> None:
    """Two demo cards, `bell-a` with the voice tone_a and `bell-c` with tone_c, of the family `bell`."""
    text = (CARDS / "tone.toml").read_text().replace("demo = true", 'demo = true\nfamily = "bell"')
    for voice, other in (("a", "c"), ("c", "a")):
        lines = [line for line in text.splitlines() if f"tone_{other}" not in line]
        card = "\n".join(lines).replace('id = "tone"', f'id = "bell-{voice}"')
        for old, new in changes.items() if voice == "c" else ():
            card = card.replace(f'{old} = "', f'{old} = "{new}')
        (folder / f"bell-{voice}.toml").write_text(card)


def test_a_family_of_voices_is_one_model_to_clients(tmp_path: Path) -> None:
    family(tmp_path)
    listed = Catalog.read(tmp_path, demo=True).listed(Capability.TTS)
    assert {name: [card.id for card in cards] for name, cards in listed.items()} == {"bell": ["bell-a", "bell-c"]}


def test_a_published_name_may_mean_a_family_of_voices(tmp_path: Path) -> None:
    family(tmp_path)
    found = Catalog.read(tmp_path, demo=True, published={"tts-1": "bell"})
    assert found.listed().keys() == {"bell", "tts-1"}
    assert [card.id for card in found.kin("tts-1", Capability.TTS)] == ["bell-a", "bell-c"]


def test_a_family_that_is_no_family_of_voices_is_listed_card_by_card(catalog: Catalog) -> None:
    assert {"htdemucs", "htdemucs_6s"} <= catalog.listed(Capability.SEPARATION).keys()
    assert "demucs" not in catalog.listed()


def test_a_model_is_found_by_each_of_its_capabilities(tmp_path: Path) -> None:
    card = (CARDS / "tone.toml").read_text().replace('["tts"]', '["tts", "clone"]')
    (tmp_path / "tone.toml").write_text(card)
    found = Catalog.read(tmp_path, demo=True)
    assert found.resolve("tone", Capability.CLONE) is found.resolve("tone", Capability.TTS)


def test_a_family_may_not_be_called_like_a_model(tmp_path: Path) -> None:
    family(tmp_path)
    copy_card(tmp_path, "tone", 'demo = true\naliases = ["bell"]')
    (tmp_path / "tone.toml").write_text((tmp_path / "tone.toml").read_text().replace("tone_", "other_"))
    with pytest.raises(BadCard, match=r"bell-a\.toml: family: 'bell' is the name of a model"):
        Catalog.read(tmp_path, demo=True)


@pytest.mark.parametrize(("key", "begin"), [("name", "Another "), ("tier", "")])
def test_cards_of_a_family_of_voices_look_alike_to_clients(tmp_path: Path, key: str, begin: str) -> None:
    family(tmp_path, **{key: begin})
    odd = tmp_path / "bell-c.toml"
    odd.write_text(odd.read_text().replace('tier = "free"', 'tier = "premium"') if key == "tier" else odd.read_text())
    with pytest.raises(BadCard, match=r"bell-c\.toml: family: name, tier and tasks"):
        Catalog.read(tmp_path, demo=True)


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
        load_class(*read_cards(tmp_path / "tone.toml"))


@pytest.mark.parametrize("file", sorted(CARDS.glob("*.toml")), ids=lambda file: file.stem)
def test_every_card_has_an_adapter(file: Path) -> None:
    card = read_cards(file)[0]
    assert all(issubclass(load_class(card), PROTOCOLS[capability]) for capability in card.tasks)


def copy_card(folder: Path, name: str, demo: str = "demo = true") -> None:
    """A shipped card, with its line `demo = true` replaced."""
    (folder / f"{name}.toml").write_text((CARDS / f"{name}.toml").read_text().replace("demo = true", demo))
