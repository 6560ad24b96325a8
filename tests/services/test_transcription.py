"""What is found out about an order before anything is decoded, reserved or loaded."""

from pathlib import Path
from typing import Any

import pytest

from ttsai_server.domain import Caller
from ttsai_server.engines.cards import read_card
from ttsai_server.engines.catalog import Catalog
from ttsai_server.engines.weights.model_folder import wanted
from ttsai_server.errors import BadRequest, UnknownModel, WeightsMissing
from ttsai_server.metrics import Metrics
from ttsai_server.runtime.placement import starter
from ttsai_server.runtime.pool import Pool
from ttsai_server.services.billing import NullBilling
from ttsai_server.services.chat import ChatModels
from ttsai_server.services.context import ServiceContext
from ttsai_server.services.reference_cache import ReferenceCache
from ttsai_server.services.sound_work import SoundWork
from ttsai_server.services.transcription import TranscriptionOrder, plan_transcription
from ttsai_server.services.transcription_run import TranscriptionPlan
from ttsai_server.services.voices import Voices
from ttsai_server.settings import Models, Settings


def check(model: str = "whisper", models: Path | None = None, **asked: Any) -> TranscriptionPlan:
    settings = Settings() if models is None else Settings(models=Models(dir=models))
    catalog, pool = Catalog.of(settings), Pool(settings.models, starter(settings))
    no_voices: Any = None  # nothing that listens looks at them
    context = ServiceContext(
        settings=settings,
        catalog=catalog,
        voices=Voices(catalog),
        runtime=pool,
        billing=NullBilling(),
        metrics=Metrics(),
        sound=SoundWork(settings),
        references=ReferenceCache(),
        saved_voices=no_voices,
        previews=no_voices,
        chat=ChatModels(settings, catalog, pool),
    )
    return plan_transcription(context, Caller("a", "pro", ""), TranscriptionOrder(model, **asked))


@pytest.mark.parametrize("name", ["whisper", "faster-whisper"])
def test_a_published_name_means_a_model_of_this_server(name: str) -> None:
    assert check(name).card.id == "whisper-base"


@pytest.mark.parametrize(
    ("asked", "code"),
    [("auto", None), ("", None), ("fr", "fr"), ("German", "de"), ("pt-BR", "pt"), ("zh-Hans", "zh"), ("nb", "no")],
)
def test_a_language_is_understood_in_any_spelling(asked: str, code: str | None) -> None:
    assert check(language=asked).request.language == code


@pytest.mark.parametrize(
    ("model", "asked"),
    [
        ("whisper", {"language": "klingon"}),
        ("whisper-tiny.en", {"language": "fr"}),
        ("whisper-tiny.en", {"translate": True}),
        ("whisper", {"diarize": True, "min_speakers": 3, "max_speakers": 2}),
        ("whisper", {"diarize": "channel", "speakers": 3}),
        ("whisper", {"diarize": "channel", "max_speakers": 1}),
    ],
)
def test_what_a_model_cant_do_is_a_bad_request(model: str, asked: dict[str, Any], speakers_weights: Path) -> None:
    with pytest.raises(BadRequest):
        check(model, **asked)


def test_who_hears_the_language_is_named_instead() -> None:
    with pytest.raises(BadRequest, match=r"'whisper-tiny\.en' does not hear 'French'\. These do: .*whisper-base"):
        check("whisper-tiny.en", language="French")


def test_a_model_of_one_language_is_not_asked_to_find_it() -> None:
    assert check("distil-large-v3.5").request.language == "en"


def there(models: Path, *ids: str) -> None:
    """Files for those models, of a byte each: whether a model is ready is told without reading them."""
    for id in ids:
        for file in wanted(read_card(Settings().models.cards / f"{id}.toml")):
            (models / id / file).parent.mkdir(parents=True, exist_ok=True)
            (models / id / file).write_bytes(b"?")


@pytest.mark.parametrize(
    ("ready", "asked", "taken"),
    [
        ("whisper-base whisper-tiny.en", {"language": "en"}, "whisper-base"),
        ("whisper-tiny whisper-tiny.en", {"language": "en"}, "whisper-tiny.en"),
        ("whisper-base parakeet", {"language": "de"}, "parakeet"),
        ("whisper-base parakeet", {"language": "ja"}, "whisper-base"),
        ("whisper-base parakeet", {"language": "auto"}, "whisper-base"),
        ("whisper-base parakeet", {"language": "de", "translate": True}, "whisper-base"),
        ("whisper-tiny whisper-large-v3-turbo", {"language": "nb"}, "whisper-large-v3-turbo"),
    ],
)
def test_auto_is_the_best_model_that_is_ready_for_the_language(
    tmp_path: Path, ready: str, asked: dict[str, Any], taken: str
) -> None:
    there(tmp_path, *ready.split())
    assert check("auto", models=tmp_path, **asked).card.id == taken


def test_where_no_model_is_ready_auto_says_how_to_get_the_default_one(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="models pull whisper-base"):
        check("auto", models=tmp_path)


def test_auto_for_a_language_that_no_model_hears_is_a_bad_request(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="No model hears 'Afar'"):
        check("auto", models=tmp_path, language="Afar")


@pytest.mark.parametrize("model", ["nope", "kokoro", "speakers"])
def test_what_does_not_hear_is_an_unknown_model(model: str) -> None:
    with pytest.raises(UnknownModel):
        check(model)


def test_speakers_are_told_apart_by_words(speakers_weights: Path) -> None:
    plan = check(diarize=True, speakers=3)
    assert plan.request.words
    assert (plan.speakers.speakers, plan.speakers.least, plan.speakers.most) == (3, 3, 3)


def test_without_a_model_for_it_speakers_are_not_told_apart(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="models pull speakers"):
        check(models=tmp_path, diarize=True)


def test_channels_tell_speakers_apart_without_a_model(tmp_path: Path) -> None:
    plan = check(models=tmp_path, diarize="channel", speakers=2)
    assert (plan.by_channel, plan.diarizer) == (True, None)
