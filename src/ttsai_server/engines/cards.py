"""Reads and validates model cards: models/<id>.toml → ModelCard.

`{voice}` in the file names of a source is replaced by the id of each of the card's voices in turn.

A card with `card_per_voice` stands for many: one for each of its voices, `<family>-<voice>`, which is pulled, loaded
and unloaded by itself. `{path}` in its sources' names and paths is replaced by the voice's `path`.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    ValidationError,
)

from ttsai_server.domain import Capability, Environment, ModelCard, Source, Tier, Voice
from ttsai_server.errors import BadCard
from ttsai_server.text.language import NAMES

_BOUND = r"(>=|<=|==|!=|~=|<|>)\d+(\.\d+)*(\.\*)?"
ENGINE_PATH = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
LanguageCode = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}$")]
LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[a-z0-9]+)*$")]
_DIGEST = r"^[0-9a-f]{64}$"
Sha256 = Annotated[str, StringConstraints(pattern=_DIGEST)]
Md5 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]

SILENT = {Capability.CHAT, Capability.TRANSLATION}
"""What is done with text alone."""


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _inside(path: str) -> str:
    if "\\" in path or not path or {"", ".", ".."} & set(path.split("/")):
        raise ValueError(f"{path!r} is not a plain relative path")
    return path


PythonVersions = Annotated[str, StringConstraints(pattern=rf"^{_BOUND}(,{_BOUND})*$")]
PinnedPackage = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*(\[[\w.,-]+\])?==\w[\w.+!-]*$")]
PackageName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][\w.-]*$")]
RelativePath = Annotated[str, AfterValidator(_inside)]
"""A relative path that does not leave its folder."""
Parts = Annotated[tuple[RelativePath, ...], BeforeValidator(_listed), Field(min_length=1)]
"""One path, or the paths of the parts that are concatenated to the file."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VoiceEntry(_Strict):
    id: Id
    name: str
    language: LanguageTag
    gender: Literal["male", "female", "neutral"]
    languages: tuple[LanguageCode, ...] = ()
    """Languages that it can read; empty: all languages of the card, or its own where it has a card."""
    licence: str = ""
    """Where it has a card: its licence; empty: the card's."""
    speakers: PositiveInt = 1
    rate: int = Field(default=0, ge=0)
    """Where it has a card: its sample rate, Hz; 0: the card's."""
    size: int = Field(default=0, ge=0)
    """Where it has a card: of its files, megabytes."""
    path: RelativePath | Literal[""] = ""
    """Where it has a card: what `{path}` stands for."""
    md5: tuple[Md5, ...] = ()
    """Where it has a card: checksums of its files, in the order of the first source's."""


class SourceEntry(_Strict):
    kind: Literal["hub", "pypi", "npm", "url", "archive"]
    name: str
    revision: str
    files: dict[RelativePath, Parts]
    sha256: dict[str, Sha256] = {}
    voice: Id | None = None
    """The only voice whose files it has; None: it has all."""


class EnvironmentEntry(_Strict):
    python: PythonVersions = ">=3.11"
    packages: Annotated[tuple[PinnedPackage, ...], Field(min_length=1)]
    omitted: tuple[PackageName, ...] = ()


_NOT_OF_A_MODEL = {"commercial", "previews", "voices", "card_per_voice", "sha256", "sources", "environment"}
"""Keys of a card that its model does not have, or in another form."""


class CardFile(_Strict):
    """The keys of a card; `ModelCard` says what they mean."""

    id: Id
    name: str
    tasks: Annotated[tuple[Capability, ...], Field(min_length=1)]
    tier: Tier
    engine: Annotated[str, StringConstraints(pattern=ENGINE_PATH)]
    licence: str
    languages: tuple[LanguageCode, ...]
    commercial: bool | None = None
    """If not given: false for a licence with NC among its parts, and where none is stated, NOASSERTION; else true."""
    rank: int = Field(default=0, ge=0, le=100)
    size: int = Field(default=0, ge=0)
    rate: int = Field(default=0, ge=0)
    aliases: tuple[Id, ...] = ()
    translates: bool = False
    pairs: tuple[tuple[LanguageCode, LanguageCode], ...] = ()
    family: str = ""
    stems: tuple[str, ...] = ()
    blends: bool = False
    deterministic: bool = False
    timestamps: bool = False
    slowest: float = Field(default=0.5, gt=0, le=1)
    fastest: float = Field(default=2.0, ge=1, allow_inf_nan=False)
    streaming: bool = True
    demo: bool = False
    memory: int = Field(default=0, ge=0)
    gpu_memory: int = Field(default=0, ge=0)
    concurrency: int = Field(default=1, ge=0)
    queue: PositiveInt = 64
    chunk_chars: PositiveInt = 200
    reference_seconds: tuple[PositiveFloat, PositiveFloat] = (3.0, 60.0)
    approximate: bool = False
    setup: dict[str, Any] = {}
    previews: dict[LanguageTag, str] = {}
    """Language → text of its voices' previews."""
    voices: tuple[VoiceEntry, ...] = ()
    card_per_voice: bool = False
    sha256: dict[str, Sha256] = {}
    """File → SHA-256, for files that are the same in every source."""
    sources: tuple[SourceEntry, ...] = ()
    derived: tuple[RelativePath, ...] = ()
    environment: EnvironmentEntry | None = None


def read_card(file: Path) -> ModelCard:
    """Read the card in `file`, which stands for one. Raises BadCard, which names the file and the first wrong key."""
    (card,) = read_cards(file)
    return card


def read_cards(file: Path) -> list[ModelCard]:
    """Read the card in `file`, or all those that it stands for. Raises as `read_card`."""
    try:
        entry = CardFile.model_validate(tomllib.loads(file.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadCard(file, ".".join(map(str, first["loc"])), first["msg"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadCard(file, "TOML", str(error)) from None
    _check(entry, file)
    return [_card(each) for each in _each(entry)]


def _check(entry: CardFile, file: Path) -> None:
    """Check what depends on more than one key."""
    if entry.id != file.stem:
        raise BadCard(file, "id", f"is {entry.id!r}, but the file is named {file.stem!r}")
    said = {_preview(voice, entry) for voice in entry.voices}
    if odd := set(entry.previews) ^ said:
        raise BadCard(file, "previews", f"must be those of the voices' languages: {', '.join(sorted(odd))}")
    if entry.card_per_voice and not (entry.family and entry.voices):
        raise BadCard(file, "card_per_voice", "needs a family and voices")
    if unknown := set(entry.languages) - NAMES.keys():
        raise BadCard(file, "languages", f"no language is called {', '.join(sorted(unknown))}")
    if not entry.rate and set(entry.tasks) - SILENT:
        raise BadCard(file, "rate", "is required of a model that speaks or listens")
    if stray := {code for pair in entry.pairs for code in pair} - set(entry.languages):
        raise BadCard(file, "pairs", f"{min(stray)!r} is not a language of the card")
    if entry.rank and not entry.card_per_voice and not _commercial(entry):
        raise BadCard(file, "rank", "is of models that may be chosen without being named, so used commercially")
    if len(set(entry.tasks)) < len(entry.tasks):
        raise BadCard(file, "tasks", "has one of them twice")
    for number, voice in enumerate(entry.voices):
        _check_voice(voice, entry, file, f"voices.{number}.languages")
    if entry.environment and entry.derived:
        raise BadCard(file, "derived", "files can't be made for a model with an environment of its own")
    for number, source in enumerate(_sources(entry)):
        _check_source(source, file, f"sources.{number}")
    offered = {path for source in _sources(entry) for path in source.files}
    named = set(entry.sha256).union(*(source.sha256 for source in entry.sources))
    if stray := named - offered:
        raise BadCard(file, "sha256", f"no source has {min(stray)!r}")


def _each(entry: CardFile) -> Iterator[CardFile]:
    """The card itself, or the cards of its voices."""
    if not entry.card_per_voice:
        yield entry
    for voice in entry.voices if entry.card_per_voice else ():
        own = voice.languages or (voice.language.split("-")[0],)
        changes = {
            "id": f"{entry.family}-{voice.id}",
            "voices": (voice.model_copy(update={"languages": own}),),
            "languages": own,
            "licence": voice.licence or entry.licence,
            "rate": voice.rate or entry.rate,
            "size": voice.size,
            "rank": entry.rank if _allows_commerce(voice.licence or entry.licence) else 0,
            "sources": tuple(source for source in entry.sources if source.voice in (None, voice.id)),
        }
        yield entry.model_copy(update=changes)


def _preview(voice: VoiceEntry, entry: CardFile) -> str:
    """The language of its preview: its own, or without a region."""
    return voice.language if voice.language in entry.previews else voice.language.split("-")[0]


def _check_voice(voice: VoiceEntry, entry: CardFile, file: Path, key: str) -> None:
    if (own := voice.language.split("-")[0]) not in entry.languages:
        raise BadCard(file, "languages", f"{voice.id!r} speaks {voice.language!r}, which is not among them")
    if voice.languages and own not in voice.languages:
        raise BadCard(file, key, f"{own!r}, its own language, is not among them")
    if unknown := set(voice.languages) - set(entry.languages):
        raise BadCard(file, key, f"{min(unknown)!r} is not a language of the card")


def _check_source(source: Source, file: Path, key: str) -> None:
    if source.kind in ("hub", "url") and any(len(parts) > 1 for parts in source.files.values()):
        raise BadCard(file, f"{key}.files", "only packages and archives hold files in parts")
    if source.kind == "archive" and not re.fullmatch(_DIGEST, source.revision):
        raise BadCard(file, f"{key}.revision", "of an archive is its sha256")
    if source.kind == "url" and (unknown := source.files.keys() - source.sha256.keys()):
        raise BadCard(file, f"{key}.sha256", f"what is at a plain address may change, and {min(unknown)!r} has none")


def _card(entry: CardFile) -> ModelCard:
    voices = tuple(
        Voice(
            id=v.id,
            name=v.name,
            model=entry.id,
            language=v.language,
            gender=v.gender,
            languages=v.languages or entry.languages,
            preview=entry.previews[_preview(v, entry)],
            speakers=v.speakers,
        )
        for v in entry.voices
    )
    plain = {key: value for key, value in entry if key not in _NOT_OF_A_MODEL}
    return ModelCard(
        **plain,
        commercial=_commercial(entry),
        voices=voices,
        sources=_sources(entry),
        environment=Environment(**dict(entry.environment)) if entry.environment else None,
    )


def _commercial(entry: CardFile) -> bool:
    return _allows_commerce(entry.licence) if entry.commercial is None else entry.commercial


def _allows_commerce(licence: str) -> bool:
    return not {"NC", "NOASSERTION"} & {*licence.split("-")}


def _sources(entry: CardFile) -> tuple[Source, ...]:
    return tuple(_source(source, entry) for source in entry.sources)


def _source(source: SourceEntry, card: CardFile) -> Source:
    voices = [voice.id for voice in card.voices]
    files: dict[str, tuple[str, ...]] = {}
    for target, parts in source.files.items():
        for voice in voices if "{voice}" in target else [""]:
            files[target.replace("{voice}", voice)] = tuple(part.replace("{voice}", voice) for part in parts)
    own = card.voices[0] if card.card_per_voice else None
    if own:
        files = {file: tuple(part.replace("{path}", own.path) for part in parts) for file, parts in files.items()}
    known = {file: checksum for file, checksum in card.sha256.items() if file in files}
    md5 = dict(zip(files, own.md5, strict=False)) if own else {}
    name = source.name.replace("{path}", own.path) if own else source.name
    return Source(source.kind, name, source.revision, files, known | source.sha256, md5)
