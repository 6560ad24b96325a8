"""The same request in the languages that people call the API from."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from nicegui import ui

FETCH = """const answer = await fetch("{url}", {{
  method: "POST",
  headers: {{ "Authorization": "Bearer " + process.env.TTSAI_KEY, "Content-Type": "application/json" }},
  body: JSON.stringify({body}),
}});
await (await import("node:fs/promises")).writeFile({file}, Buffer.from(await answer.arrayBuffer()));"""
REQUESTS = """import os
import requests

answer = requests.post(
    "{url}",
    headers={{"Authorization": "Bearer " + os.environ["TTSAI_KEY"]}},
    json={body},
    timeout=300,
)
answer.raise_for_status()
with open({file!r}, "wb") as file:
    file.write(answer.content)"""


def examples(url: str, body: Mapping[str, Any], file: str) -> dict[str, str]:
    """Language → a program that posts `body` to `url`, with the key of the variable TTSAI_KEY, and keeps the answer in
    `file`."""
    as_json = json.dumps(body, ensure_ascii=False)
    curl = [
        f"curl {shlex.quote(url)} -o {shlex.quote(file)}",
        '  -H "Authorization: Bearer $TTSAI_KEY"',
        '  -H "Content-Type: application/json"',
        f"  -d {shlex.quote(as_json)}",
    ]
    return {
        "curl": " \\\n".join(curl),
        "Python": REQUESTS.format(url=url, body=dict(body), file=file),
        "JavaScript": FETCH.format(url=url, body=as_json, file=json.dumps(file)),
    }


class Examples:
    """An element that shows them, one at a time."""

    def __init__(self) -> None:
        self._programs: dict[str, str] = {}
        with ui.expansion("The same request in a program").classes("full-width"):
            with ui.row().classes("items-center"):
                self._language = ui.toggle(["curl", "Python", "JavaScript"], value="curl", on_change=self._show)
                ui.button("Copy", on_click=lambda: ui.clipboard.write(self._programs[self._language.value])).props(
                    "flat"
                )
            with ui.element("pre").classes("request full-width").props('tabindex="0"'):
                self._text = ui.label()

    def show(self, programs: dict[str, str]) -> None:
        self._programs = programs
        self._show()

    def _show(self) -> None:
        self._text.text = self._programs[self._language.value]
