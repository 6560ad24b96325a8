from typing import Any

import httpx
import orjson
import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI, Stream
from openai.types.audio import (
    Transcription,
    TranscriptionDiarized,
    TranscriptionStreamEvent,
    TranscriptionVerbose,
    Translation,
    TranslationVerbose,
)
from pydantic import BaseModel, TypeAdapter

from ttsai_server.api.schemas import (
    OpenAIDiarizedTranscript,
    OpenAITranscript,
    OpenAIVerboseTranscript,
    TranscriptBody,
    TranscriptFormat,
)
from ttsai_server.api.transcripts import TranscriptEvents, openai
from ttsai_server.domain import PartialTranscript, Segment, Transcript, Word
from ttsai_server.services.result_json import published_transcript
from ttsai_server.text.language import normalise_code

WORDS = (Word("Come", 0.5, 0.74999, 0.98765, "SPEAKER_00"), Word("in!", 0.75, 1.2, 0.9, "SPEAKER_00"))
HEARD = Transcript(
    (
        Segment("Come in!", 0.5, 1.2, WORDS, "SPEAKER_00", (50364, 2492, 294, 0), 0.2, -0.31, 1.2, 0.05),
        Segment("Why?", 2.0, 2.5, (Word("Why?", 2.0, 2.5, 0.8, "SPEAKER_01"),), "SPEAKER_01"),
    ),
    "en",
    60.4,
)
ALONE = Transcript((Segment("你好。", 0, 1), Segment("再见。", 1, 2)), "zh", 2.0)
TRANSLATED = Transcript((Segment("Come in!", 0.5, 1.2),), "de", 2.0, translated=True)
SILENCE = Transcript((), "en", 3.0)
EVERY = pytest.mark.parametrize("transcript", [HEARD, ALONE, SILENCE])


def shown(transcript: Transcript, form: TranscriptFormat, *granularities: str) -> dict[str, Any]:
    return orjson.loads(openai(transcript, form, granularities).body)


def valid(body: bytes, *models: type[BaseModel]) -> bool:
    """Whether the body has all fields of each model, with the right types, and no field that the first lacks."""
    for model in models:
        model.model_validate_json(body, strict=True)
    assert models[0].model_validate_json(body).model_dump(exclude_unset=True) == orjson.loads(body)
    return True


@EVERY
@pytest.mark.parametrize("words", [True, False])
def test_the_published_shape(transcript: Transcript, words: bool):
    assert valid(published_transcript(transcript, words=words), TranscriptBody)


def test_the_published_answer():
    assert orjson.loads(published_transcript(HEARD, words=True)) == {
        "text": "Come in! Why?",
        "language": "en",
        "duration": 60.4,
        "segments": [
            {
                "start": 0.5,
                "end": 1.2,
                "text": "Come in!",
                "speaker": "SPEAKER_00",
                "words": [
                    {"word": "Come", "start": 0.5, "end": 0.75, "probability": 0.9877},
                    {"word": "in!", "start": 0.75, "end": 1.2, "probability": 0.9},
                ],
            },
            {
                "start": 2.0,
                "end": 2.5,
                "text": "Why?",
                "speaker": "SPEAKER_01",
                "words": [{"word": "Why?", "start": 2.0, "end": 2.5, "probability": 0.8}],
            },
        ],
    }


def test_words_are_published_when_asked_for_only():
    assert not any("words" in segment for segment in orjson.loads(published_transcript(HEARD, words=False))["segments"])


def test_speakers_are_published_when_known_only():
    assert not any(
        "speaker" in segment for segment in orjson.loads(published_transcript(ALONE, words=False))["segments"]
    )


@EVERY
def test_json_is_openais(transcript: Transcript):
    assert valid(openai(transcript, "json").body, OpenAITranscript, Transcription, Translation)


def test_json():
    assert shown(HEARD, "json") == {"text": "Come in! Why?", "usage": {"type": "duration", "seconds": 61}}


@EVERY
@pytest.mark.parametrize("granularities", [(), ("word",), ("segment",), ("word", "segment")])
def test_verbose_json_is_openais(transcript: Transcript, granularities: tuple[str, ...]):
    body = openai(transcript, "verbose_json", granularities).body
    assert valid(body, OpenAIVerboseTranscript, TranscriptionVerbose, TranslationVerbose)


@pytest.mark.parametrize(
    ("granularities", "fields"),
    [
        ((), {"segments"}),
        (("segment",), {"segments"}),
        (("word",), {"words"}),
        (("word", "segment"), {"words", "segments"}),
    ],
)
def test_verbose_json_has_what_was_asked_for(granularities: tuple[str, ...], fields: set[str]):
    assert shown(HEARD, "verbose_json", *granularities).keys() & {"words", "segments"} == fields


def test_verbose_json_tells_of_a_segment_all_that_is_known():
    assert shown(HEARD, "verbose_json")["segments"][0] == {
        "id": 0,
        "seek": 50,
        "start": 0.5,
        "end": 1.2,
        "text": " Come in!",
        "tokens": [50364, 2492, 294, 0],
        "temperature": 0.2,
        "avg_logprob": -0.31,
        "compression_ratio": 1.2,
        "no_speech_prob": 0.05,
    }


def test_verbose_json_has_all_words_side_by_side():
    assert shown(HEARD, "verbose_json", "word")["words"] == [
        {"word": "Come", "start": 0.5, "end": 0.75},
        {"word": "in!", "start": 0.75, "end": 1.2},
        {"word": "Why?", "start": 2.0, "end": 2.5},
    ]


def test_verbose_json_names_the_language():
    body = shown(ALONE, "verbose_json")
    assert (body["task"], body["language"]) == ("transcribe", "chinese")


@pytest.mark.parametrize("code", _LANGUAGE_CODES)
def test_verbose_json_names_every_language_of_whisper(code: str):
    name = shown(Transcript((), normalise_code(code), 1.0), "verbose_json")["language"]
    assert name == name.lower()
    assert normalise_code(name) == normalise_code(code)


def test_a_translation_is_english():
    body = shown(TRANSLATED, "verbose_json")
    assert (body["task"], body["language"]) == ("translate", "english")


def test_chinese_segments_have_no_space_before_them():
    assert [segment["text"] for segment in shown(ALONE, "verbose_json")["segments"]] == ["你好。", "再见。"]


@EVERY
def test_diarized_json_is_openais(transcript: Transcript):
    assert valid(openai(transcript, "diarized_json").body, OpenAIDiarizedTranscript, TranscriptionDiarized)


def test_diarized_json():
    assert shown(HEARD, "diarized_json")["segments"] == [
        {
            "type": "transcript.text.segment",
            "id": "seg_001",
            "start": 0.5,
            "end": 1.2,
            "text": "Come in!",
            "speaker": "A",
        },
        {"type": "transcript.text.segment", "id": "seg_002", "start": 2.0, "end": 2.5, "text": "Why?", "speaker": "B"},
    ]


def test_speakers_after_z():
    crowd = tuple(Segment("I.", i, i + 1, speaker=f"SPEAKER_{i:02}") for i in range(28))
    letters = [segment["speaker"] for segment in shown(Transcript(crowd, "en", 28.0), "diarized_json")["segments"]]
    assert letters[24:] == ["Y", "Z", "AA", "AB"]


def test_text_ends_with_a_newline():
    answer = openai(HEARD, "text")
    assert (answer.body, answer.content_type) == (b"Come in! Why?\n", "text/plain; charset=utf-8")


def test_srt():
    answer = openai(HEARD, "srt")
    assert answer.content_type == "application/x-subrip; charset=utf-8"
    assert answer.body.decode() == (
        "1\n00:00:00,500 --> 00:00:01,333\nSPEAKER_00: Come in!\n\n"
        "2\n00:00:02,000 --> 00:00:02,833\nSPEAKER_01: Why?\n\n"
    )


def test_vtt():
    answer = openai(ALONE, "vtt")
    assert answer.content_type == "text/vtt; charset=utf-8"
    assert answer.body.decode() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n你好。\n\n00:00:01.000 --> 00:00:02.000\n再见。\n\n"
    )


def streamed(transcript: Transcript) -> bytes:
    events = TranscriptEvents(translated=transcript.translated)
    partials = [
        PartialTranscript(segment.start, segment.end, (segment,), transcript.language)
        for segment in transcript.segments
    ]
    deltas = [
        events.deltas(partial)
        for partial in [*partials, PartialTranscript(transcript.seconds, transcript.seconds, (), transcript.language)]
    ]
    return b"".join(deltas) + events.segments(transcript) + events.done(transcript)


def told(stream: bytes) -> list[TranscriptionStreamEvent]:
    """Parses events with OpenAI's own client."""
    client = OpenAI(api_key="sk-none")
    response = httpx.Response(200, content=stream, request=httpx.Request("POST", "http://localhost"))
    try:
        return list(Stream[Any](cast_to=TranscriptionStreamEvent, response=response, client=client))  # pyright: ignore[reportArgumentType] a union, as its own `create` passes
    finally:
        client.close()


def data(stream: bytes) -> list[bytes]:
    return [line.removeprefix(b"data: ") for line in stream.split(b"\n") if line.startswith(b"data: ")]


@EVERY
def test_events_are_openais(transcript: Transcript):
    known = TypeAdapter[Any](TranscriptionStreamEvent)
    assert [known.validate_json(line, strict=True).type for line in data(streamed(transcript))] == [
        *["transcript.text.delta"] * len(transcript.segments),
        *["transcript.text.segment"] * len(transcript.segments),
        "transcript.text.done",
    ]


def test_openais_client_reads_the_events():
    assert [event.type for event in told(streamed(HEARD))] == [
        "transcript.text.delta",
        "transcript.text.delta",
        "transcript.text.segment",
        "transcript.text.segment",
        "transcript.text.done",
    ]


@given(
    st.lists(st.sampled_from(["One.", "你好。", "", "“Two”", "3"])),
    st.sampled_from(["en", "zh", "ja"]),
    st.booleans(),
)
def test_the_deltas_are_the_text(texts: list[str], language: str, translated: bool):
    segments = tuple(Segment(text, i, i + 1) for i, text in enumerate(texts))
    transcript = Transcript(segments, language, 60.0, translated)
    events = [orjson.loads(line) for line in data(streamed(transcript))]
    assert "".join(event.get("delta", "") for event in events) == transcript.text


def test_the_last_event_has_all_of_the_text():
    last = told(streamed(HEARD))[-1]
    assert last.type == "transcript.text.done"
    assert last.text == "Come in! Why?"


def test_the_last_event_counts_tokens():
    last = told(streamed(HEARD))[-1]
    assert last.type == "transcript.text.done"
    assert last.usage
    assert (last.usage.input_tokens, last.usage.output_tokens, last.usage.total_tokens) == (604, 4, 608)


def test_segment_events_name_the_speaker():
    assert [event.speaker for event in told(streamed(HEARD)) if event.type == "transcript.text.segment"] == ["A", "B"]
