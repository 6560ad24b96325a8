"""For whom a console without keys opens."""

from pathlib import Path
from typing import Any, cast

import pytest
from starlette.requests import Request

from ttsai_server.audio.temp_disk import TempDisk
from ttsai_server.console.sessions import Sessions
from ttsai_server.console.sign_in import SignIn
from ttsai_server.domain import Caller

EVERYONE = Caller("local", "enterprise", "", admin=True)


@pytest.mark.parametrize(("site", "opens"), [("cross-site", False), ("same-origin", True), ("none", True)])
async def test_another_site_can_open_no_session(tmp_path: Path, site: str, opens: bool) -> None:
    """Else an image's address could open so many that those of visitors end."""
    sign_in = SignIn(cast(Any, None), Sessions(60, tmp_path, lambda caller: TempDisk()), "", EVERYONE)
    headers = [(b"host", b"localhost:8000"), (b"sec-fetch-site", site.encode())]
    scope = {"type": "http", "method": "GET", "path": "/console/sign-in", "query_string": b"", "headers": headers}
    answer = await sign_in.show(Request(scope))
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, opens)
    assert ('url=sign-in"' in bytes(answer.body).decode()) != opens
