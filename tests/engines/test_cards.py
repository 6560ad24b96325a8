"""A card with one thing wrong is refused by a message that names the file and the key."""

from pathlib import Path

import pytest

from ttsai_server.engines.cards import read_card, read_cards
from ttsai_server.errors import BadCard

GOOD = """
id = "x"
name = "X"
tasks = ["tts"]
tier = "free"
engine = "some.module:Class"
licence = "MIT"
languages = ["en"]
rate = 24000
voices = [{ id = "one", name = "One", language = "en-us", gender = "female" }]
previews = { en-us = "Hello." }
[[sources]]
kind = "pypi"
name = "some-package"
revision = "1.0"
files = { "{voice}.bin" = "p/{voice}.bin", "model" = ["p/1", "p/2"] }
[sha256]
"one.bin" = "%s"
""" % ("0" * 64)


def write(folder: Path, text: str) -> Path:
    file = folder / "x.toml"
    file.write_text(text, "utf-8")
    return file


def test_voice_in_a_file_name_stands_for_each_voice(tmp_path: Path) -> None:
    (source,) = read_card(write(tmp_path, GOOD)).sources
    assert source.files == {"one.bin": ("p/one.bin",), "model": ("p/1", "p/2")}


def test_a_checksum_of_the_card_reaches_the_source_that_has_the_file(tmp_path: Path) -> None:
    (source,) = read_card(write(tmp_path, GOOD)).sources
    assert source.sha256 == {"one.bin": "0" * 64}


@pytest.mark.parametrize(
    ("licence", "commercial"),
    [
        ('"MIT"', True),
        ('"CC-BY-SA-4.0"', True),
        ('"CC-BY-NC-4.0"', False),
        ('"LicenseRef-Own"\ncommercial = false', False),
        ('"CC-BY-NC-4.0"\ncommercial = true', True),
    ],
)
def test_commercial_use_is_told_by_the_licence_unless_the_card_tells_it(
    tmp_path: Path, licence: str, commercial: bool
) -> None:
    assert read_card(write(tmp_path, GOOD.replace('"MIT"', licence))).commercial is commercial


def test_a_preview_is_said_by_the_voices_of_its_language(tmp_path: Path) -> None:
    (voice,) = read_card(write(tmp_path, GOOD)).voices
    assert voice.preview == "Hello."


@pytest.mark.parametrize(
    ("good", "bad", "key"),
    [
        ('name = "X"', 'name = "X"\ncolour = "red"', "colour"),
        ('tier = "free"', 'tier = "gold"', "tier"),
        ('licence = "MIT"', 'licence = "CC-BY-NC-4.0"\nrank = 1', "rank"),
        ('tier = "free"\n', "", "tier"),
        ('id = "x"', 'id = "y"', "id"),
        ('"some.module:Class"', '"some.module.Class"', "engine"),
        ('"some.module:Class"', '"some/module:Class"', "engine"),
        ("rate = 24000", "rate = 0", "rate"),
        ("rate = 24000", "rate = 24000\nfastest = 0.9", "fastest"),
        ("rate = 24000", "rate = 24000\nslowest = 0", "slowest"),
        ('["tts"]', "[]", "tasks"),
        ('["tts"]', '["tts", "sing"]', "tasks.1"),
        ('["tts"]', '["tts", "tts"]', "tasks"),
        ('gender = "female"', 'gender = "female", languages = ["en", "fr"]', "voices.0.languages"),
        ('gender = "female"', 'gender = "female", languages = ["fr"]', "voices.0.languages"),
        ("rate = 24000", 'rate = 24000\nderived = ["../x"]', "derived.0"),
        ('gender = "female"', 'gender = "f"', "voices.0.gender"),
        ('name = "One", ', "", "voices.0.name"),
        ("en-us = ", "fr = ", "previews"),
        ('languages = ["en"]', 'languages = ["fr"]', "languages"),
        ('languages = ["en"]', 'languages = ["en", "xx"]', "languages"),
        ('kind = "pypi"', 'kind = "ftp"', "sources.0.kind"),
        ('kind = "pypi"', 'kind = "hub"', "sources.0.files"),
        ('kind = "pypi"', 'kind = "url"', "sources.0.files"),
        ('kind = "pypi"', 'kind = "archive"', "sources.0.revision"),
        ('"p/1"', '"/p/1"', "sources.0.files.model.0"),
        ('"p/1", "p/2"', "", "sources.0.files.model"),
        ('"one.bin" = "0', '"two.bin" = "0', "sha256"),
        ('"one.bin" = "0', '"one.bin" = "x', "sha256.one.bin"),
        ('id = "x"', "id = ", "TOML"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, good: str, bad: str, key: str) -> None:
    assert good in GOOD
    file = write(tmp_path, GOOD.replace(good, bad, 1))
    with pytest.raises(BadCard) as caught:
        read_card(file)
    assert (caught.value.file, caught.value.key) == (file, key)
    assert str(caught.value).startswith(f"{file}: {key}: ")


def test_a_voice_reads_all_languages_of_the_card_unless_it_says_which(tmp_path: Path) -> None:
    card = GOOD.replace('languages = ["en"]', 'languages = ["en", "fr"]')
    assert read_card(write(tmp_path, card)).voices[0].languages == ("en", "fr")
    card = card.replace('gender = "female"', 'gender = "female", languages = ["en"]')
    assert read_card(write(tmp_path, card)).voices[0].languages == ("en",)


PER_VOICE = """
id = "x"
name = "X"
tasks = ["tts"]
tier = "free"
engine = "some.module:Class"
family = "choir"
licence = "MIT"
card_per_voice = true
languages = ["de", "en"]
rate = 24000
voices = [
    { id = "one", name = "One", language = "en-us", gender = "female", path = "en/1", md5 = ["%s"] },
    { id = "two", name = "Two", language = "de-at", gender = "male", path = "de/2", rate = 16000, licence = "CC0-1.0" },
]
previews = { en-us = "Hello.", de = "Hallo." }
[[sources]]
kind = "hub"
name = "some/repository"
revision = "1"
files = { "voice" = "{path}.bin" }
[[sources]]
kind = "pypi"
name = "some-package"
revision = "1"
voice = "two"
files = { "voice" = "two.bin" }
""" % ("0" * 32)


def test_a_card_may_stand_for_one_for_each_of_its_voices(tmp_path: Path) -> None:
    one, two = read_cards(write(tmp_path, PER_VOICE))
    assert ((one.id, one.rate, one.licence), (two.id, two.rate, two.licence)) == (
        ("choir-one", 24_000, "MIT"),
        ("choir-two", 16_000, "CC0-1.0"),
    )
    assert (one.languages, two.languages, two.voices[0].languages) == (("en",), ("de",), ("de",))
    assert [source.files["voice"] for source in one.sources] == [("en/1.bin",)]
    assert [source.files["voice"] for source in two.sources] == [("de/2.bin",), ("two.bin",)]
    assert one.sources[0].md5 == {"voice": "0" * 32}
    assert two.voices[0].preview == "Hallo."


def test_a_card_for_each_voice_needs_a_family_that_names_them(tmp_path: Path) -> None:
    with pytest.raises(BadCard, match="card_per_voice"):
        read_cards(write(tmp_path, PER_VOICE.replace('family = "choir"\n', "")))


def test_a_file_at_a_plain_address_needs_a_checksum(tmp_path: Path) -> None:
    plain = GOOD.replace('kind = "pypi"', 'kind = "url"').replace('["p/1", "p/2"]', '"p/1"')
    with pytest.raises(BadCard) as caught:
        read_card(write(tmp_path, plain))
    assert caught.value.key == "sources.0.sha256"
    read_card(write(tmp_path, f'{plain}"model" = "{"1" * 64}"\n'))
