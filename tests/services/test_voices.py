"""What a model and a voice that a client names are found to mean, before anything costs."""

from pathlib import Path

import pytest

from ttsai_server.app.parts import LOCAL_CALLER
from ttsai_server.domain import Preset
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import BadRequest, UnknownModel, UnknownVoice
from ttsai_server.services.voices import Voices
from ttsai_server.settings import CHECKOUT

CARDS = CHECKOUT / "models"
ONE_VOICE = """
id = "bell-{id}"
name = "Bell"
tasks = ["tts"]
tier = "free"
engine = "ttsai_server.engines.tone:Tone"
licence = "Apache-2.0"
family = "bell"
languages = ["{language}"]
rate = 24000
voices = [{{ id = "{id}", name = "{id}", language = "{language}", gender = "neutral" }}]
previews = {{ {language} = "Hello." }}
"""


@pytest.fixture(scope="module")
def voices() -> Voices:
    return Voices(Catalog.read(CARDS, demo=True))


@pytest.fixture
def bells(tmp_path: Path) -> Voices:
    """Two cards of a family, each with one voice: anna, who speaks English, and beat, who speaks German."""
    for id, language in (("anna", "en"), ("beat", "de")):
        (tmp_path / f"bell-{id}.toml").write_text(ONE_VOICE.format(id=id, language=language))
    return Voices(Catalog.read(tmp_path))


def test_an_unknown_voice_is_not_found(voices: Voices) -> None:
    with pytest.raises(UnknownVoice, match="Unknown voice: 'nobody'"):
        voices.choose(LOCAL_CALLER, "kokoro", "nobody")


def test_an_unknown_model_is_not_found(voices: Voices) -> None:
    with pytest.raises(UnknownModel):
        voices.choose(LOCAL_CALLER, "nothing", "af_sky")


def test_a_voice_of_another_model_is_refused_and_its_model_named(voices: Voices) -> None:
    with pytest.raises(BadRequest, match="'tone_a' belongs to 'tone', not to 'kokoro'"):
        voices.choose(LOCAL_CALLER, "kokoro", "tone_a")


def test_a_blend_is_its_voices_with_their_weights(voices: Voices) -> None:
    choice = voices.choose(LOCAL_CALLER, "kokoro", "af_bella(2)+af_sky")
    assert choice.parts == (Preset("af_bella", 2.0), Preset("af_sky", 1.0))
    assert [voice.id for voice in choice.voices] == ["af_bella", "af_sky"]


def test_every_voice_of_a_blend_is_checked(voices: Voices) -> None:
    with pytest.raises(UnknownVoice):
        voices.choose(LOCAL_CALLER, "kokoro", "af_bella+nobody")
    with pytest.raises(BadRequest):
        voices.choose(LOCAL_CALLER, "kokoro", "af_bella+tone_a")


def test_the_voice_decides_which_card_of_a_family_speaks(bells: Voices) -> None:
    assert bells.choose(LOCAL_CALLER, "bell", "anna").card.id == "bell-anna"
    assert bells.choose(LOCAL_CALLER, "bell", "beat").card.id == "bell-beat"


def test_one_card_of_a_family_can_be_meant_by_its_id(bells: Voices) -> None:
    assert bells.choose(LOCAL_CALLER, "bell-beat", "beat").card.id == "bell-beat"
    with pytest.raises(BadRequest, match="'anna' belongs to 'bell', not to 'bell-beat'"):
        bells.choose(LOCAL_CALLER, "bell-beat", "anna")


@pytest.mark.parametrize("blend", ["anna+beat", "anna+anna"])
def test_a_blend_is_refused_where_the_card_does_not_say_that_the_model_blends(bells: Voices, blend: str) -> None:
    with pytest.raises(BadRequest, match="'bell' can't blend voices"):
        bells.choose(LOCAL_CALLER, "bell", blend)


def test_a_weight_alone_is_no_blend(bells: Voices) -> None:
    assert bells.choose(LOCAL_CALLER, "bell", "anna(2)").parts == (Preset("anna", 2.0),)


async def test_the_voices_of_a_family_are_those_of_its_cards(bells: Voices) -> None:
    assert {listed.voice.id for listed in await bells.listed(LOCAL_CALLER, "bell")} == {"anna", "beat"}


async def test_voices_are_filtered_by_language_and_gender(voices: Voices) -> None:
    assert len(await voices.listed(None, "kokoro", language="en")) == 28
    assert len(await voices.listed(None, "kokoro", language="en-GB", gender="male")) == 4
    assert await voices.listed(None, language="e") == []


async def test_voices_of_an_unknown_model_are_not_found(voices: Voices) -> None:
    with pytest.raises(UnknownModel):
        await voices.listed(None, "nothing")
