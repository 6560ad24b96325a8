"""Live transcription: sound that is still coming in, and what is said in it, while it is being said.

    push(samples) ──detector──▶ segments of speech ──transcriber, again and again──▶ partial texts, then the final text

    async with LiveTranscription(plan, caller, context, rate=24_000) as live:
        # in one task                                # in another one
        await live.push(samples)                     async for event in live.events():
        ...                                              match event: ...
        await live.end()

An utterance is what is said from a start of speech to its stop, or up to `commit`. Long ones are transcribed in several
segments, each of which is final once it is reported.
"""

from ttsai_server.services.live_transcription.events import (
    FinalText,
    HearingFailed,
    LiveEvent,
    PartialText,
    SpeechStarted,
    SpeechStopped,
)
from ttsai_server.services.live_transcription.plan import (
    RATE,
    LiveOrder,
    LivePlan,
    SpeechDetection,
    plan_live_transcription,
)
from ttsai_server.services.live_transcription.session import LiveTranscription

__all__ = [
    "RATE",
    "FinalText",
    "HearingFailed",
    "LiveEvent",
    "LiveOrder",
    "LivePlan",
    "LiveTranscription",
    "PartialText",
    "SpeechDetection",
    "SpeechStarted",
    "SpeechStopped",
    "plan_live_transcription",
]
