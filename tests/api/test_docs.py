"""The page that shows the API in a browser."""

import re

import httpx
from tests.live import Live


def test_the_page_names_no_other_host(server: Live) -> None:
    page = httpx.get(f"{server.url}/docs").raise_for_status().text
    assert not re.findall(r"""["'](?:https?:)?//.*""", page)


def test_all_that_the_page_loads_is_here(server: Live) -> None:
    page = httpx.get(f"{server.url}/docs").raise_for_status().text
    assets = re.findall(r"""(?:src|href)=["'](.+?)["']""", page)
    kinds = [httpx.get(f"{server.url}{path}").raise_for_status().headers["content-type"] for path in assets]
    assert {kind.split(";")[0] for kind in kinds} == {"text/css", "text/javascript", "image/png"}
