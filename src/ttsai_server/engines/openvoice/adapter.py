"""OpenVoice's tone colour converter (Qin et al. 2023), version 2: changes the timbre, keeps all else."""

from __future__ import annotations

import json
from collections.abc import Generator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from ttsai_server.audio.recording import Recording
from ttsai_server.domain import Audio, Embedding, ModelCard, Reference
from ttsai_server.engines.base import Cancellation, Converter, LoadContext
from ttsai_server.engines.shared.pytorch import PyTorchEngine, fill, prepare_device, read_state
from ttsai_server.engines.shared.silence import gain, is_silent
from ttsai_server.errors import BadRequest, EngineFailed, WeightsMissing

Samples = NDArray[np.float32]
CONFIG, CHECKPOINT = "config.json", "checkpoint.pth"
STEP_SECONDS = 8
STRETCH_SECONDS = 10
"""A voice is the mean of the voices of stretches of this length."""
LOUDEST, CANDIDATES = 6, 64
"""The voice that is taken out of a recording is that of the loudest of so many stretches, spread over it."""
NOISE_BLOCK = 256
"""Frames whose noise has one seed."""
_FAINT = 1e-6
"""Added to the power of each bin."""


class _Data(BaseModel):
    """Part `data` of config.json."""

    sampling_rate: int
    filter_length: int
    hop_length: int
    win_length: int


class OpenVoice(PyTorchEngine[Any], Converter):
    """Deterministic. A step converts 8 s; the result is that of converting the whole recording at once."""

    extra, packages = "openvoice", ("torch",)
    gpu_packages = ()

    class Setup(Converter.Setup):
        noise: float = Field(default=0.3, ge=0, le=1)
        """Standard deviation of the latent variables, relative to the trained one (the authors' `tau`)."""

    def __init__(self, card: ModelCard, model: Any, data: _Data, noise: float, device: str) -> None:
        """model: a network.ToneColourConverter."""
        super().__init__(model.to(device), [model], device)
        self._id, self._noise = card.id, noise
        self._size, self._hop = data.filter_length, data.hop_length

    @classmethod
    def load(cls, card: ModelCard, place: LoadContext) -> OpenVoice:
        if not all((place.weights / file).is_file() for file in (CONFIG, CHECKPOINT)):
            raise WeightsMissing(card.id)
        prepare_device(place)
        from ttsai_server.engines.openvoice.network import Sizes, ToneColourConverter

        try:
            config = json.loads((place.weights / CONFIG).read_text("utf-8"))
            sizes, data = Sizes.model_validate(config["model"]), _Data.model_validate(config["data"])
        except (ValueError, LookupError, TypeError) as error:
            raise EngineFailed(f"{CONFIG} is not OpenVoice's: {error}") from error
        if (data.sampling_rate, data.win_length) != (card.rate, data.filter_length):
            raise EngineFailed(f"{CONFIG} is of another model: {data}")
        model = ToneColourConverter(sizes, data.filter_length // 2 + 1)
        fill(model, read_state(place.weights / CHECKPOINT, "model"), CHECKPOINT)
        return cls(card, model, data, cls.Setup.model_validate(dict(card.setup)).noise, place.device)

    def embed(self, recording: Recording, cancellation: Cancellation) -> Generator[Embedding]:
        count = max(1, round(recording.seconds / STRETCH_SECONDS))
        ends = [round(recording.frames * number / count) for number in range(count + 1)]
        voices: list[Samples] = []
        for start, end in pairwise(ends):
            samples = recording.read(start, end - start)[:, 0]
            if not is_silent(samples):
                voices.append(self._voice(samples, cancellation))
            if end < recording.frames:
                yield Embedding(start / recording.rate, end / recording.rate)
        if not voices:
            raise BadRequest("There is no speech in the recording.")
        reference = Reference(self._id, {"voice": np.stack(voices).mean(0)})
        yield Embedding(ends[-2] / recording.rate, recording.seconds, reference, last=True)

    def convert(self, recording: Recording, target: Reference, cancellation: Cancellation) -> Generator[Audio]:
        if not recording.frames:
            return
        voices = self._source(recording, cancellation), np.asarray(target.arrays["voice"], np.float32)
        frames, step = -(-recording.frames // self._hop), STEP_SECONDS * recording.rate // self._hop
        for first in range(0, frames, step):
            end, start = min(first + step, frames), first * self._hop
            sound = self._converted(recording, (first, end), voices, cancellation)[: recording.frames - start]
            sound = sound[:, None] * gain(recording, start, len(sound))
            yield Audio(np.clip(sound, -1, 1), recording.rate, last=end == frames)

    def _source(self, recording: Recording, cancellation: Cancellation) -> Samples:
        """The voice of who speaks in the recording."""
        length = STRETCH_SECONDS * recording.rate
        count = min(CANDIDATES, max(1, round(recording.frames / length)))
        starts = np.linspace(0, max(0, recording.frames - length), count).astype(int)
        stretches = [recording.read(int(start), length)[:, 0] for start in starts]
        loudest = sorted(stretches, key=lambda samples: -float(np.square(samples).mean()))[:LOUDEST]
        return np.stack([self._voice(samples, cancellation) for samples in loudest]).mean(0)

    def _voice(self, samples: Samples, cancellation: Cancellation) -> Samples:
        """The voice of float32 (n,) samples: float32 (size,)."""
        samples = np.pad(samples, (0, -len(samples) % self._hop))
        edge = self._edge
        with self._at_work(cancellation) as model:
            spectrogram = self._spectrogram(np.pad(samples, (edge, edge), "reflect"))
            return model.voice(spectrogram)[0, :, 0].cpu().numpy()

    def _converted(
        self, recording: Recording, span: tuple[int, int], voices: tuple[Samples, Samples], cancellation: Cancellation
    ) -> Samples:
        """float32 (n,): the frames of `span`, from its first to before its second, with context around them.

        voices: of the recording and of the target.
        """
        import torch  # pyright: ignore[reportMissingImports]

        from ttsai_server.engines.openvoice.network import REACH
        from ttsai_server.engines.shared import hifigan

        (first, end), frames = span, -(-recording.frames // self._hop)
        near = max(0, first - hifigan.REACH), min(frames, end + hifigan.REACH)
        far = max(0, near[0] - REACH), min(frames, near[1] + REACH)
        with self._at_work(cancellation) as model:
            spectrogram = self._spectrogram(self._around(recording, far))
            source, target = (torch.from_numpy(voice)[None, :, None].to(self._device) for voice in voices)
            noise = torch.from_numpy(_noise(*far, model.latent_channels)).to(self._device)
            latent = model.convert(spectrogram, self._noise * noise[None], source, target)
            sound = model.sound(latent[:, :, near[0] - far[0] : near[1] - far[0]])
        return sound[0, 0, (first - near[0]) * self._hop : (end - near[0]) * self._hop].cpu().numpy()

    @property
    def _edge(self) -> int:
        """Samples of a window before and after its frame."""
        return (self._size - self._hop) // 2

    def _around(self, recording: Recording, span: tuple[int, int]) -> Samples:
        """float32 (n,): the samples of the frames' windows; past the recording's ends, its mirror image."""
        start, end = span[0] * self._hop - self._edge, span[1] * self._hop + self._edge
        begin, total = max(0, start), recording.frames + -recording.frames % self._hop
        samples = recording.read(begin, end - begin)[:, 0]
        samples = np.pad(samples, (0, min(end, total) - begin - len(samples)))
        return np.pad(samples, (begin - start, max(0, end - total)), "reflect")

    def _spectrogram(self, samples: Samples) -> Any:
        """Magnitudes, a tensor (1, bins, frames)."""
        import torch  # pyright: ignore[reportMissingImports]

        sound = torch.from_numpy(np.ascontiguousarray(samples)).to(self._device)
        window = torch.hann_window(self._size, device=self._device)
        spectrum = torch.stft(sound, self._size, self._hop, window=window, center=False, return_complex=True)
        return (torch.view_as_real(spectrum).square().sum(-1) + _FAINT).sqrt()[None]


def _noise(first: int, end: int, channels: int) -> Samples:
    """Normal noise of the frames from `first` to before `end`, float32 (channels, n), the same wherever `first` is."""
    blocks = range(first // NOISE_BLOCK, -(-end // NOISE_BLOCK))
    made = [np.random.default_rng(block).standard_normal((channels, NOISE_BLOCK), np.float32) for block in blocks]
    return np.concatenate(made, axis=1)[:, first - blocks.start * NOISE_BLOCK :][:, : end - first]
