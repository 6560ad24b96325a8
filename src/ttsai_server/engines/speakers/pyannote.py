"""Diarization by pyannote's segmentation 3.0 (Bredin 2023) and a speaker embedding, in sherpa-onnx.

sherpa-onnx processes a whole recording at once. To bound its memory we pass it ten minutes at a time, and match the
speakers of the parts by embeddings of their speech.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Diarization, DiarizationRequest, ModelCard, Turn
from ttsai_server.engines.base import Cancellation, Cancelled, Diarizer, LoadContext
from ttsai_server.engines.speakers.clustering import cluster
from ttsai_server.errors import EngineFailed, WeightsMissing

Array = NDArray[np.float32]
RATE = 16_000
"""Hertz."""
SEGMENTATION, EMBEDDING = "segmentation.onnx", "embedding.onnx"
METADATA: Mapping[str, tuple[str, ...]] = {
    SEGMENTATION: (
        "sample_rate", "window_size", "receptive_field_size", "receptive_field_shift", "num_speakers",
        "powerset_max_classes", "num_classes",
    ),
    EMBEDDING: ("framework", "language", "output_dim", "sample_rate", "normalize_samples"),
}  # fmt: skip
"""Metadata that sherpa-onnx reads in each file; if one is missing, it ends the process."""
WORDS = ("framework", "language")
"""Metadata that are not numbers."""
FRAMEWORKS = ("wespeaker", "3d-speaker")
"""Frameworks whose embedding models have that metadata."""
PART_SECONDS = 600
SHORTEST = RATE // 10
"""A recording of fewer samples is taken to have no speech."""
SPOKEN_SECONDS = 20.0
"""Most of a speaker's speech in a part that is used for the embedding, seconds."""


@dataclass(frozen=True, slots=True)
class Part:
    turns: Sequence[Turn]
    """Times in seconds of the recording; speakers numbered within this part."""
    voices: Mapping[int, Array]
    """Speaker number within this part → embedding of norm 1."""


class Pyannote(Diarizer):
    """Diarizer of mono sound at 16 kHz. Where two speak at once, their turns overlap."""

    extra, packages = "pyannote", ("onnx", "sherpa_onnx")

    class Setup(Diarizer.Setup):
        threshold: float = 0.5
        """Voices with a larger cosine distance are different speakers."""

    def __init__(self, library: Any, place: LoadContext, setup: Setup) -> None:
        self._library, self._place, self._setup = library, place, setup
        self._machine: Any = library.OfflineSpeakerDiarization(self._config(-1))
        self._extractor: Any = library.SpeakerEmbeddingExtractor(self._embedding())

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Pyannote:
        if not all((place.weights / file).is_file() for file in METADATA):
            raise WeightsMissing(card.id)
        for file in METADATA:
            _check(place.weights / file)
        import sherpa_onnx

        return cls(sherpa_onnx, place, cls.Setup.model_validate(dict(card.setup)))

    def diarize(
        self, recording: Recording, request: DiarizationRequest, cancellation: Cancellation
    ) -> Generator[Diarization]:
        size = PART_SECONDS * recording.rate
        asked = request if recording.frames <= size else DiarizationRequest()
        parts: list[Part] = []
        for start in range(0, recording.frames, size):
            parts.append(self._part(recording, start, asked, cancellation))
            yield Diarization(start / recording.rate, min(recording.frames, start + size) / recording.rate)
        if cancellation.cancelled:
            raise Cancelled
        turns = _numbered(_linked(parts, request, 1 - self._setup.threshold))
        yield Diarization(recording.seconds, recording.seconds, turns, last=True)

    def close(self) -> None:
        self._machine = self._extractor = None

    def _part(self, recording: Recording, start: int, request: DiarizationRequest, cancellation: Cancellation) -> Part:
        samples = np.ascontiguousarray(recording.read(start, PART_SECONDS * recording.rate)[:, 0])
        turns = self._turns(samples, request.speakers or -1, cancellation)
        count = len({turn.speaker for turn in turns})
        if turns and not request.speakers and not request.least <= count <= request.most:
            turns = self._turns(samples, min(max(count, request.least), request.most), cancellation)
        voices = {speaker: self._voice(samples, turns, speaker) for speaker in {turn.speaker for turn in turns}}
        begin, end = start / recording.rate, recording.seconds
        return Part([Turn(begin + t.start, min(begin + t.end, end), t.speaker) for t in turns], voices)

    def _turns(self, samples: Array, count: int, cancellation: Cancellation) -> list[Turn]:
        if self._machine is None:
            raise EngineFailed("The engine is closed.")
        if cancellation.cancelled:
            raise Cancelled
        if len(samples) < SHORTEST:
            return []
        self._machine.set_config(self._config(count))

        def stop(done: int, total: int) -> int:
            return int(cancellation.cancelled)

        found = self._machine.process(samples, stop)
        if cancellation.cancelled:
            raise Cancelled
        return [Turn(turn.start, turn.end, turn.speaker) for turn in found.sort_by_start_time()]

    def _voice(self, samples: Array, turns: Sequence[Turn], speaker: int) -> Array:
        """Embedding of norm 1 from the speaker's longest turns."""
        own = sorted((turn for turn in turns if turn.speaker == speaker), key=lambda turn: turn.start - turn.end)
        said = np.concatenate([samples[round(turn.start * RATE) : round(turn.end * RATE)] for turn in own])
        stream = self._extractor.create_stream()
        stream.accept_waveform(RATE, np.resize(said, min(max(len(said), RATE), round(SPOKEN_SECONDS * RATE))))
        stream.input_finished()
        voice = np.array(self._extractor.compute(stream), np.float32)
        return voice / max(float(np.linalg.norm(voice)), 1e-9)

    def _config(self, count: int) -> Any:
        library, file = self._library, str(self._place.weights / SEGMENTATION)
        return library.OfflineSpeakerDiarizationConfig(
            segmentation=library.OfflineSpeakerSegmentationModelConfig(
                pyannote=library.OfflineSpeakerSegmentationPyannoteModelConfig(model=file),
                num_threads=self._place.threads,
            ),
            embedding=self._embedding(),
            clustering=library.FastClusteringConfig(num_clusters=count, threshold=self._setup.threshold),
        )

    def _embedding(self) -> Any:
        model = str(self._place.weights / EMBEDDING)
        return self._library.SpeakerEmbeddingExtractorConfig(model=model, num_threads=self._place.threads)


def _linked(parts: Sequence[Part], request: DiarizationRequest, bar: float) -> list[Turn]:
    """The turns of all parts, with speakers matched across parts by the similarity of their voices."""
    if len(parts) <= 1 or not any(part.voices for part in parts):
        return [turn for part in parts for turn in part.turns]
    voices = cluster(np.stack([voice for part in parts for voice in part.voices.values()]), bar, request, enough=1)
    owners = [{speaker: int(np.argmax(voices @ voice)) for speaker, voice in part.voices.items()} for part in parts]
    return [
        replace(turn, speaker=owner[turn.speaker])
        for part, owner in zip(parts, owners, strict=True)
        for turn in part.turns
    ]


def _numbered(turns: Sequence[Turn]) -> tuple[Turn, ...]:
    """Sort the turns by start, and number the speakers by their first turn, from 0."""
    ordered = sorted((turn for turn in turns if turn.start < turn.end), key=lambda turn: turn.start)
    numbers = {speaker: number for number, speaker in enumerate(dict.fromkeys(turn.speaker for turn in ordered))}
    return tuple(replace(turn, speaker=numbers[turn.speaker]) for turn in ordered)


def _check(file: Path) -> None:
    """Raise EngineFailed for a file that would make sherpa-onnx end the process."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load(file, load_external_data=False)
    except DecodeError as error:
        raise EngineFailed(f"{file.name} is no ONNX model: {error}") from error
    known = {entry.key: entry.value for entry in model.metadata_props}
    wanted = METADATA[file.name]
    if wrong := [key for key in wanted if key not in known or not (key in WORDS or known[key].lstrip("-").isdigit())]:
        raise EngineFailed(f"{file.name} is not as sherpa-onnx exports it; its metadata lacks: {', '.join(wrong)}")
    if known["sample_rate"] != str(RATE) or known.get("framework", FRAMEWORKS[0]) not in FRAMEWORKS:
        raise EngineFailed(f"{file.name} is of another kind: {known['sample_rate']} Hz, {known.get('framework')}.")
