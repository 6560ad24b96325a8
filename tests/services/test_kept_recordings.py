"""Recordings that are kept with saved voices: encrypted, counted, and heard by other models."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from anyio import to_thread
from tests.api.test_cloning import pitch_of
from tests.services.test_saved_voices import ORDER, saved
from tests.store.test_saved_voices import voice
from tests.voices import voice_file

from ttsai_server.domain import Caller, Reference
from ttsai_server.errors import BadRequest, ResultTooLarge, StoreFull, UnknownVoice
from ttsai_server.services.flow import Flow, OutputFile
from ttsai_server.services.speech import SpeechOrder
from ttsai_server.services.target_voice import find_target, open_target
from ttsai_server.settings import Models, Results, Settings
from ttsai_server.store import saved_voices
from ttsai_server.store.db import Database
from ttsai_server.store.results import open_results

KEPT = replace(ORDER, keep_reference=True)
TEXT = "The rain has stopped."


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """With `hum`, another model that makes voices from recordings, and `mute`, one that makes none."""
    cards = tmp_path / "cards"
    cards.mkdir()
    tone = Settings().models.cards / "tone.toml"
    shutil.copy(tone, cards)
    for model, tasks in (("hum", '["tts", "clone"]'), ("mute", '["tts"]')):
        card = tone.read_text().replace('"tone"', f'"{model}"').replace("tone_", f"{model}_")
        (cards / f"{model}.toml").write_text(card.replace('["tts", "clone", "voice_conversion"]', tasks))
    share = Results(account_quota_mb=1)
    return settings.model_copy(update={"models": Models(demo=True, cards=cards), "results": share})


async def said(flow: Flow, caller: Caller, model: str, name: str) -> bytes:
    order = SpeechOrder(model, TEXT, name, "wav")
    with await flow.start(caller, order) as run:
        await run.finish()
        result = (await run.outcome()).result
        assert isinstance(result, OutputFile)
        result.file.seek(0)
        return result.file.read()


async def test_another_model_makes_the_voice_of_it_and_keeps_what_it_made(flow: Flow, caller: Caller) -> None:
    made, card = await saved(flow, caller, KEPT, 160), flow.context.catalog.models["hum"]
    assert await flow.context.saved_voices.reference(made, card) is None
    for _ in range(2):
        assert pitch_of(await said(flow, caller, "hum", made.id)) == pytest.approx(160, rel=0.03)
        assert await flow.context.saved_voices.reference(made, card)


async def test_it_is_made_for_a_blend_too(flow: Flow, caller: Caller) -> None:
    made = await saved(flow, caller, KEPT, 160)
    sound = await said(flow, caller, "hum", f"hum_a(3)+{made.id}(1)")
    assert pitch_of(sound) == pytest.approx((3 * 220 + 160) / 4, rel=0.03)


@pytest.mark.parametrize(
    ("keep", "model", "why"), [(False, "hum", "keep_reference"), (True, "mute", "makes no voices")]
)
async def test_a_voice_that_can_not_be_made_is_refused_and_told_why(
    keep: bool, model: str, why: str, flow: Flow, caller: Caller
) -> None:
    made = await saved(flow, caller, replace(ORDER, keep_reference=keep))
    with pytest.raises(BadRequest, match=why) as refused:
        await said(flow, caller, model, made.id)
    assert refused.value.param == "voice"


async def test_a_conversion_hears_the_recording_and_not_the_preview(flow: Flow, caller: Caller) -> None:
    context, made = flow.context, await saved(flow, caller, KEPT)
    hum = context.catalog.models["hum"]
    target = await to_thread.run_sync(find_target, context, caller, made.id, hum)
    with await open_target(context, caller, target, hum) as sound:
        assert sound.digest == made.digest


async def test_it_is_encrypted_and_gone_with_the_voice(flow: Flow, caller: Caller, database: Database) -> None:
    voices, made = flow.context.saved_voices, await saved(flow, caller, KEPT)
    stored = await database.read(saved_voices.data, made.id, "recording")
    assert stored
    assert voice_file()[-2064:-2000] not in stored
    assert await voices.recording(made) == voice_file()
    await voices.delete(caller, made.id)
    assert await database.read(saved_voices.data, made.id, "recording") is None
    with pytest.raises(UnknownVoice):
        await voices.recording(made)


async def test_what_a_model_makes_of_a_voice_that_is_deleted_meanwhile_is_not_kept(flow: Flow, caller: Caller) -> None:
    voices, made = flow.context.saved_voices, await saved(flow, caller, KEPT)
    await voices.delete(caller, made.id)
    with pytest.raises(UnknownVoice):
        await voices.keep_reference(made, Reference("hum", {"hertz": np.array(160.0)}))


async def test_it_counts_in_the_accounts_share_of_the_store(
    flow: Flow, caller: Caller, database: Database, settings: Settings
) -> None:
    voices, results = flow.context.saved_voices, open_results(settings, database)
    reference = Reference("tone", {"hertz": np.array(160.0)})
    await voices.save(await voices.saving(voice(caller.account), reference, bytes(999_999)))
    await results.check_room(caller.account)
    with pytest.raises(StoreFull):
        await voices.save(await voices.saving(voice(caller.account, 2), reference, bytes(2)))
    assert [one.id for one in await voices.of(caller)] == ["voice_1"]
    await voices.save(await voices.saving(voice(caller.account, 2), reference, bytes(1)))
    with pytest.raises(StoreFull):
        await results.check_room(caller.account)
    await voices.delete(caller, "voice_1")
    await results.check_room(caller.account)


async def test_a_recording_that_does_not_fit_is_refused_before_it_is_heard(flow: Flow, caller: Caller) -> None:
    noise = io.BytesIO()
    soundfile.write(noise, np.random.default_rng(0).normal(0, 0.1, 800_000), 24_000, format="WAV")
    with await flow.start(caller, KEPT, noise) as run, pytest.raises(ResultTooLarge):
        await run.credits()
