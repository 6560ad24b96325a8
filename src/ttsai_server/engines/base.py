"""What an engine is: one protocol a task, and what they share.

An adapter is written for one thread at a time: the pool never runs more than `card.concurrency` steps at once, and each
step of an iterator runs in a worker thread, never on the event loop. Heavy packages are imported in `load` only.
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
    Diarization,
    DiarizationRequest,
    EnhancementRequest,
    ModelCard,
    PartialTranscript,
    Preset,
    SpeechRequest,
    Stems,
    TranscriptionRequest,
)
from ttsai_server.text.split import pieces

WARM_UP_CHARACTERS = 24
"""Of a voice's preview that are spoken to warm an engine up: about its first sentence."""

INSTALL_MISAKI = "pip install --no-deps --ignore-requires-python misaki==0.9.4"
"""misaki allows only Python < 3.13, but all that is used of it runs on later ones; the extras leave it out there."""


class EngineOptions(BaseModel):
    """Knobs of an engine; unknown ones are errors. An engine's `Options` and `Setup` extend it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class LoadContext:
    """Where a model is loaded."""

    weights: Path
    """Folder that holds its files: models/<id>/."""
    device: str = "cpu"
    """cpu or cuda."""
    threads: int = 2
    """Processor threads for one step of work."""
    steps: int = 1
    """Steps of work that run at the same time, each in a thread of its own."""


class Cancelled(Exception):
    """Raised out of a step that was told to stop; never reaches a client."""


class Cancellation:
    """Tells a step of work that runs in another thread to stop."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._stop: Callable[[], object] | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Stop the work: what runs now is interrupted if it can be, and nothing more is begun. Idempotent."""
        with self._lock:
            self.cancelled = True
            if self._stop:
                self._stop()

    @contextmanager
    def interrupting(self, stop: Callable[[], object]) -> Generator[None]:
        """While inside, `cancel` calls `stop` (from its own thread). Raises Cancelled if it has been called already."""
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
    """Whether it runs native code of its own, which may crash, hang or leak: then in a process of its own."""
    extra: ClassVar[str] = ""
    """The extra of ttsai-server that installs `packages`; empty: the engine needs none."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Top-level modules that the engine imports and ttsai-server without extras does not install."""

    class Options(EngineOptions):
        """Knobs that a client may set, request by request."""

    class Setup(EngineOptions):
        """How it is loaded: the card's `setup`, under the settings' `models.options`."""

    @classmethod  # noqa: B027 - most engines have nothing to make
    def prepare(cls, card: ModelCard, weights: Path) -> None:
        """Make `card.derived` in `weights` of the files that a pull has fetched there.

        Called at the end of every pull, with all files there and right; blocking, minutes at most. Does nothing if it
        has been done, and puts no file under its final name before it is whole. Raises EngineFailed if the files are
        not usable.
        """

    @classmethod
    def installed(cls) -> bool:
        """Whether `packages` are there."""
        return all(find_spec(package) for package in cls.packages)

    @classmethod
    def install_command(cls) -> str:
        """The command that installs `packages`."""
        command = f"pip install 'ttsai-server[{cls.extra}]'"
        return f"{command} && {INSTALL_MISAKI}" if "misaki" in cls.packages and sys.version_info >= (3, 13) else command

    @classmethod
    @abstractmethod
    def load(cls, card: ModelCard, place: LoadContext) -> Self:
        """Load the weights, the packages being installed; blocking, seconds.

        Raises WeightsMissing, or EngineFailed if they are not usable.
        """

    def warm_up(self, card: ModelCard) -> None:  # noqa: B027 most engines need none
        """Do what the first request would otherwise wait for; called once after `load`."""

    @abstractmethod
    def close(self) -> None:
        """Free everything. Idempotent."""


class Synthesizer(Engine):
    """Text to speech."""

    @abstractmethod
    def synthesize(self, request: SpeechRequest, cancellation: Cancellation) -> Generator[Audio]:
        """Say the text: one or more stretches of sound, mono, float32 (n, 1), at `card.rate`.

        An engine that knows which is the last marks it, and the request ends without another turn.
        Every word is said, or the iterator raises: BadRequest for text that it can't say, EngineFailed for a fault,
        Cancelled when told to stop.
        """

    def warm_up(self, card: ModelCard) -> None:
        voice = card.voices[0]
        opening = next(pieces(voice.preview, WARM_UP_CHARACTERS, voice.language.split("-")[0]))
        request = SpeechRequest(opening.text, (Preset(voice.id),), voice.language)
        for _ in self.synthesize(request, Cancellation()):
            pass


class Transcriber(Engine):
    """Speech to text."""

    @abstractmethod
    def transcribe(
        self, recording: Recording, request: TranscriptionRequest, cancellation: Cancellation
    ) -> Generator[PartialTranscript]:
        """Write down what is said in a recording that is mono, at `card.rate`, of any length.

        A step takes seconds and memory that do not grow with the recording; it begins where the one before ended, and
        the last one ends with the recording. All that is said is written, or the iterator raises: EngineFailed for a
        fault, Cancelled when told to stop. Silence, noise and music are no segments. Up to `LoadContext.steps`
        recordings are heard at the same time, each in a thread of its own.
        """


class Diarizer(Engine):
    """Who speaks when."""

    @abstractmethod
    def diarize(
        self, recording: Recording, request: DiarizationRequest, cancellation: Cancellation
    ) -> Generator[Diarization]:
        """The turns of a recording that is mono, at `card.rate`, of any length. Bounded and raising as `transcribe`."""


class Enhancer(Engine):
    """Sound to better sound: without noise, echo or reverberation, clearer, or with the treble that it lacks."""

    @abstractmethod
    def enhance(
        self, recording: Recording, request: EnhancementRequest, cancellation: Cancellation
    ) -> Generator[Audio]:
        """The bettered recording: of any length, 1 to 8 channels, at `card.rate`.

        What is yielded is together exactly as long, at the same rate, with as many channels, in [-1, 1], and aligned:
        sample n of it is sample n of the recording. Bounded and raising as `transcribe`.
        """


class Separator(Engine):
    """A mix to what it was mixed of."""

    @abstractmethod
    def separate(self, recording: Recording, cancellation: Cancellation) -> Generator[Stems]:
        """The stems, `card.stems`, of a recording of any length, 1 or 2 channels, at `card.rate`.

        Aligned, as long, and with as many channels as the recording. Bounded and raising as `transcribe`.
        """


class Analyzer(Engine):
    """What key, tempo and metre music is in."""

    @abstractmethod
    def analyze(self, recording: Recording, cancellation: Cancellation) -> Generator[Analysis]:
        """Of a recording that is mono, at `card.rate`, of any length; the last step has it. Bounded as `transcribe`."""
