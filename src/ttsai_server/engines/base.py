"""Base classes of the engines: one per capability, and what they share.

The pool never runs more than `LoadContext.steps` steps of a model at once, each in a worker thread, never on the event
loop. An engine imports its heavy packages only in `load`.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import (
    Analysis,
    Audio,
    ChatDelta,
    ChatRequest,
    Diarization,
    DiarizationRequest,
    Embedding,
    EnhancementRequest,
    FrameSpeech,
    ModelCard,
    PartialTranscript,
    Preset,
    Reference,
    SoundFrames,
    SpeechRequest,
    Stems,
    TranscriptionRequest,
    Translation,
    TranslationRequest,
)
from ttsai_server.text.split import pieces

WARM_UP_CHARACTERS = 24
"""How much of a voice's preview is spoken to warm an engine up: about its first sentence."""

INSTALL_MISAKI = "pip install --no-deps --ignore-requires-python misaki==0.9.4"
"""misaki declares Python < 3.13, but what is used of it runs on later versions; the extras omit it there."""


class EngineOptions(BaseModel):
    """Parameters of an engine; unknown ones are errors. Base class of an engine's `Options` and `Setup`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class LoadContext:
    """Folder, device and threads that a model is loaded with."""

    weights: Path
    """Folder of its files: models/<id>/."""
    device: str = "cpu"
    """cpu or cuda."""
    threads: int = 2
    """CPU threads for one step."""
    steps: int = 1
    """How many steps may run at the same time, each in its own thread."""


class Cancelled(Exception):
    """Raised by a step that has been cancelled; never reaches a client."""


class Cancellation:
    """Cancels a step that runs in another thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stop: Callable[[], object] | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Interrupt the running operation if possible, and let no further one start. Idempotent."""
        with self._lock:
            self.cancelled = True
            if self._stop:
                self._stop()

    @contextmanager
    def interrupting(self, stop: Callable[[], object]) -> Generator[None]:
        """Within this context, `cancel` calls `stop` (in its own thread). Raises Cancelled if already cancelled."""
        with self._lock:
            if self.cancelled:
                raise Cancelled
            self._stop = stop
        try:
            yield
        finally:
            with self._lock:
                self._stop = None


class Engine(ABC):
    """A loaded model."""

    native: ClassVar[bool] = True
    """Whether it runs native code, which may crash, hang or leak: such an engine gets its own process."""
    extra: ClassVar[str] = ""
    """The extra of ttsai-server that installs `packages`; empty if there is none."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Top-level modules that the engine imports and that ttsai-server without extras does not install."""

    gpu_packages: ClassVar[tuple[str, ...] | None] = None
    """Further modules that it needs to run on a GPU; None: it runs on the processor only."""

    class Options(EngineOptions):
        """Parameters that a client may set per request."""

    class Setup(EngineOptions):
        """Parameters of loading: the card's `setup`, overridden by the settings' `models.options`."""

    @classmethod  # noqa: B027 - most engines have no derived files
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        """Create the files `card.derived` in the folder `weights` from the files that a pull has downloaded to it.

        Called at the end of every pull, when all files are present and verified; blocking, minutes at most. Must do
        nothing if they exist, and give no file its final name before it is complete. Raises EngineFailed if the
        downloaded files are not usable.
        """

    @classmethod
    def installed(cls) -> bool:
        """Whether `packages` are installed."""
        return all(find_spec(package) for package in cls.packages)

    @classmethod
    def device(cls, wanted: str) -> str:
        """Where it runs, cpu or cuda, if `wanted` is there."""
        able = cls.gpu_packages is not None and all(map(find_spec, cls.gpu_packages))
        return wanted if able else "cpu"

    @classmethod
    def batch(cls, card: ModelCard, device: str) -> int:
        """How many steps, of as many requests, it does together on this device, cpu or cuda.

        0: each by itself, `card.concurrency` at the same time. The card's `setup` is what the engine is loaded with.
        """
        return 0

    @classmethod
    def install_command(cls) -> str:
        """The command that installs `packages`."""
        command = f"pip install 'ttsai-server[{cls.extra}]'"
        return f"{command} && {INSTALL_MISAKI}" if "misaki" in cls.packages and sys.version_info >= (3, 13) else command

    @classmethod
    @abstractmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        """Load the weights; the packages are known to be installed. Blocking, seconds.

        Raises WeightsMissing, or EngineFailed if the weights are not usable.
        """

    def warm_up(self, card: ModelCard) -> None:  # noqa: B027 most engines need none
        """Run what would delay the first request; called once after `load`."""

    @abstractmethod
    def close(self) -> None:
        """Free everything. Idempotent."""


class Synthesizer(Engine):
    """Text to speech."""

    @classmethod
    def missing_extra(cls, language: str) -> str:
        """The extra of ttsai-server, not installed here, that reading a language (BCP 47) needs; empty: none."""
        return ""

    @abstractmethod
    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        """Synthesize the text: yields one or more pieces of sound, mono, float32 (n, 1), at `card.rate`.

        An engine that knows which piece is the last sets its `last`, which saves a step. It must speak every word or
        raise: BadRequest for text that it can't speak, EngineFailed for a fault, Cancelled when cancelled.
        """

    def warm_up(self, card: ModelCard) -> None:
        if not card.voices:
            return
        voice = card.voices[0]
        opening = next(pieces(voice.preview, WARM_UP_CHARACTERS, voice.language.split("-")[0]))
        request = SpeechRequest(opening.text, (Preset(voice.id),), voice.language)
        for _ in self.synthesize(request, Cancellation()):
            pass


class VoiceEncoder(Engine):
    """Makes voices from recordings of speakers."""

    @abstractmethod
    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        """Make a voice from a recording, mono, at `card.rate`, of `card.reference_seconds` of one person's speech.

        The last step has the voice; `start` and `end` of the others spread the progress over the recording. The voice
        must not depend on the process that made it: it is stored, and used after a restart. Raises BadRequest for a
        recording that no voice can be made of, EngineFailed for a fault, Cancelled when cancelled.
        """


class Cloner(VoiceEncoder, Synthesizer):
    """Text to speech with voices from recordings, beside the voices of its card, if it has any."""


class Converter(VoiceEncoder):
    """Lets another voice say what a recording says."""

    @abstractmethod
    def convert(self, recording: Recording, target: Reference, cancellation: Cancellation) -> Generator[Audio]:
        """Convert a recording of any length, mono, at `card.rate`, to the voice of `target`.

        Yields mono sound at `card.rate`, in [-1, 1], in total of the recording's length within 2 %, with what is said
        at the same times; silence stays silent. Time and memory of a step must not grow with the recording's length.
        Raises EngineFailed for a fault, Cancelled when cancelled.
        """


class Transcriber(Engine):
    """Speech to text."""

    @abstractmethod
    def transcribe(
        self, recording: Recording, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Generator[PartialTranscript]:
        """Transcribe a recording of any length, mono, at `card.rate`.

        Time and memory of a step must not grow with the recording's length. Each step begins where the previous one
        ended, and the last one ends with the recording. It must transcribe all speech or raise: EngineFailed for a
        fault, Cancelled when cancelled. Silence, noise and music yield no segments. Up to `LoadContext.steps`
        recordings are transcribed at the same time, each in its own thread.
        """


class SpeechDetector(Engine):
    """Tells speech from other sound while the sound is still coming in."""

    @abstractmethod
    def detect_speech(self, frames: SoundFrames, cancellation: Cancellation) -> Generator[FrameSpeech]:
        """Judge the next frames of a mono sound at `card.rate`, in one step.

        The same sound gives the same probabilities however it is divided into calls. Raises EngineFailed for a fault.
        """


class Diarizer(Engine):
    """Finds who speaks when."""

    @abstractmethod
    def diarize(
        self, recording: Recording, request: DiarizationRequest, cancellation: Cancellation
    ) -> Generator[Diarization]:
        """Find the turns of a recording of any length, mono, at `card.rate`. Limits and errors as of `transcribe`."""


class Enhancer(Engine):
    """Improves a recording: removes noise, echo or reverberation, makes it clearer, or restores missing treble."""

    @abstractmethod
    def enhance(
        self, recording: Recording, request: EnhancementRequest, cancellation: Cancellation
    ) -> Generator[Audio]:
        """Enhance a recording of any length, 1 to 8 channels, at `card.rate`.

        The yielded pieces together have exactly the recording's length, rate and channels, are in [-1, 1] and aligned:
        sample n of the output is sample n of the recording. Limits and errors as of `transcribe`.
        """


class Separator(Engine):
    """Separates a mix into its stems."""

    @abstractmethod
    def separate(self, recording: Recording, cancellation: Cancellation) -> Generator[Stems]:
        """Separate a recording of any length, 1 or 2 channels, at `card.rate`, into `card.stems`.

        Each stem has the recording's length and channels, and is aligned with it. Limits and errors as of
        `transcribe`.
        """


class Analyzer(Engine):
    """Finds the key, tempo and metre of music."""

    @abstractmethod
    def analyze(self, recording: Recording, cancellation: Cancellation) -> Generator[Analysis]:
        """Analyze a recording of any length, mono, at `card.rate`; the last step has the result. Limits and errors as
        of `transcribe`."""


class Translator(Engine):
    """Translates texts."""

    @abstractmethod
    def translate(self, request: TranslationRequest, cancellation: Cancellation) -> Generator[Translation]:
        """Translate the sentences: one step for each, in their order.

        Up to `LoadContext.steps` requests are translated at the same time, each in its own thread. Raises EngineFailed
        for a fault, or a pair of languages that it does not have; Cancelled when cancelled.
        """


class Chatter(Engine):
    """Answers in a conversation."""

    @abstractmethod
    def chat(self, request: ChatRequest, cancellation: Cancellation) -> Generator[ChatDelta]:
        """Write the assistant's next message: yields its text in parts, as it is written; at least one part.

        Raises BadRequest for a conversation longer than the model's context, EngineFailed for a fault, Cancelled when
        cancelled.
        """
