from pathlib import Path
from secrets import token_hex

import pytest

from ttsai_server.store.results.directory import Directory


async def test_a_link_is_not_followed_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (folder := tmp_path / "results").mkdir()
    (folder / (name := token_hex(16))).symlink_to(tmp_path / "secret")
    with pytest.raises(FileNotFoundError):
        await anext(Directory(folder).read(name, 0, 6))


async def test_a_file_cut_short_is_an_error_not_a_short_sound(tmp_path: Path) -> None:
    (tmp_path / (name := token_hex(16))).write_bytes(b"12345")
    with pytest.raises(EOFError):
        [chunk async for chunk in Directory(tmp_path).read(name, 0, 6)]
