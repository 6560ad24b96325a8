"""HEAD, on every path with GET."""

import httpx
import pytest
from starlette.routing import Route
from tests.live import Live

from ttsai_server.app import create_app
from ttsai_server.settings import Settings

VALUES = {
    "voice": "tone_a",
    "voice_id": "tone_a",
    "model": "tone",
    "id": "no-such",
    "conversation_id": "no-such",
    "name": "no-such.mp3",
}
"""Values for the parameters of paths."""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    app = create_app(Settings(data_dir=tmp_path_factory.mktemp("data")))
    routes = [route for route in app.routes if isinstance(route, Route) and "GET" in (route.methods or ())]
    return sorted({route.path.format(**VALUES) for route in routes})


def test_head_answers_as_get_without_the_body(server: Live, paths: list[str]) -> None:
    with server.client(server.new_key(plan="crowd")[1]) as client:
        for path in paths:
            get, head = client.get(path), client.head(path)
            assert (path, head.status_code, head.content) == (path, get.status_code, b"")
            assert head.headers.get("Content-Type") == get.headers.get("Content-Type"), path
            assert set(head.headers) == set(get.headers), path
            if path != "/metrics":  # it counts its own requests
                assert head.headers.get("Content-Length") == get.headers.get("Content-Length"), path
                assert len(get.content) == int(get.headers["Content-Length"]), path


def test_head_needs_a_key_where_get_does(server: Live) -> None:
    assert httpx.head(f"{server.url}/v1/models").status_code == 401


def test_head_of_what_takes_only_post_is_404(server: Live) -> None:
    assert server.client().head("/v1/tts/").status_code == 404
