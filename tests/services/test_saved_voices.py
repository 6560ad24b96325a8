"""Saved voices as services see them: made twice by a repeated job, and what is left of deleted ones."""

import io
from dataclasses import replace
from hashlib import sha256

import pytest
from tests.services.test_job_runner import OPTIONS
from tests.store.test_saved_voices import voice
from tests.voices import voice_file

from ttsai_server.domain import Caller
from ttsai_server.errors import NotFound, UnknownVoice
from ttsai_server.services.cloning import CloneOrder
from ttsai_server.services.flow import Flow
from ttsai_server.services.job_runner import JobRunner
from ttsai_server.services.jobs import Jobs, Upload
from ttsai_server.services.references import embed
from ttsai_server.services.target_voice import TargetVoice, open_target
from ttsai_server.settings import Cloning, Settings
from ttsai_server.store import saved_voices
from ttsai_server.store.db import Database
from ttsai_server.store.results import open_results
from ttsai_server.store.saved_voices import SavedVoice

ORDER = CloneOrder(model="tone", name="Me", consent="Yes.")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"cloning": Cloning(max_voices=1)})


async def saved(flow: Flow, caller: Caller, order: CloneOrder = ORDER, hertz: float = 150) -> SavedVoice:
    voices = flow.context.saved_voices
    with await flow.start(caller, order, io.BytesIO(voice_file(hertz))) as run:
        await run.finish(lambda outcome: voices.save(outcome.beside))
    return await voices.get(caller, order.voice_id)


async def test_a_job_that_is_repeated_saves_its_voice_once_even_if_it_was_the_last_that_may_be(
    flow: Flow, caller: Caller
) -> None:
    first, second = await saved(flow, caller), await saved(flow, caller)
    assert first == second


async def use_as_target(flow: Flow, caller: Caller, target: TargetVoice) -> None:
    card = flow.context.catalog.models["tone"]
    with await open_target(flow.context, caller, target, card) as sound:
        assert [step async for step in embed(flow.context, card, sound)][-1].reference


async def test_of_a_deleted_voice_that_was_converted_to_nothing_is_left_in_memory(flow: Flow, caller: Caller) -> None:
    context, card = flow.context, flow.context.catalog.models["tone"]
    made = await saved(flow, caller)
    reference = await context.saved_voices.reference(made, card)
    await use_as_target(flow, caller, TargetVoice(reference))
    await use_as_target(flow, caller, TargetVoice(voice=made))
    preview = await context.saved_voices.preview(made)
    assert preview
    digests = ["", made.digest, sha256(preview).hexdigest()]
    await context.saved_voices.delete(caller, made.id)
    assert [context.references.get(card, digest) for digest in digests] == [None, None, None]


async def test_a_job_that_is_cancelled_saves_no_voice(
    flow: Flow, jobs: Jobs, runner: JobRunner, caller: Caller
) -> None:
    job = (await jobs.submit(caller, ORDER, OPTIONS, Upload(io.BytesIO(voice_file()), "me.flac"))).jobs[0]
    await jobs.cancel(caller, job.id)
    await runner.do(job)
    assert await flow.context.saved_voices.of(caller) == []


async def test_the_preview_of_a_voice_that_was_changed_is_made_anew(flow: Flow, caller: Caller) -> None:
    context, made = flow.context, await saved(flow, caller)
    await context.previews.of_saved(context, made)
    assert await context.saved_voices.preview(made)
    changed = await context.saved_voices.change(caller, made.id, {"language": "en-gb"})
    assert await context.saved_voices.preview(changed) is None


async def test_a_preview_that_was_made_before_a_change_is_not_kept(flow: Flow, caller: Caller) -> None:
    voices, made = flow.context.saved_voices, await saved(flow, caller)
    await voices.change(caller, made.id, {"language": "en-gb"})
    await voices.keep_preview(made, b"in the other language")
    assert await voices.preview(made) is None


async def test_nothing_of_a_deleted_voice_is_left_in_the_job_that_saved_it(
    flow: Flow, jobs: Jobs, runner: JobRunner, caller: Caller, database: Database, settings: Settings
) -> None:
    order = replace(ORDER, name="Somebody who is to be forgotten")
    job = (await jobs.submit(caller, order, OPTIONS, Upload(io.BytesIO(voice_file()), "me.flac"))).jobs[0]
    await runner.do(job)
    results = open_results(settings, database)
    assert (await results.get(job.id)).name == "voice.json"
    await flow.context.saved_voices.delete(caller, order.voice_id)
    kept = await jobs.get(job.id)
    assert (kept.state, kept.spec) == ("completed", "{}")
    with pytest.raises(NotFound):
        await results.get(job.id)


async def test_the_preview_of_a_voice_whose_model_is_gone_is_not_found(
    flow: Flow, caller: Caller, database: Database
) -> None:
    orphan = replace(voice(caller.account), model="gone")
    await database.write(saved_voices.add, orphan, {"embedding gone": b""})
    with pytest.raises(UnknownVoice):
        await flow.context.saved_voices.by_preview(orphan.preview)
