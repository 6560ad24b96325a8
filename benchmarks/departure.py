"""Costs of a client that disconnects midway: CPU-seconds after that, and credits."""

import asyncio
from dataclasses import dataclass
from time import sleep

from benchmarks.bench import Bench, middle
from benchmarks.client import Answer, speak
from benchmarks.processes import cpu_seconds
from benchmarks.report import Figure
from benchmarks.servers import Running, ours
from benchmarks.texts import prose
from ttsai_server.domain import Capability
from ttsai_server.engines.catalog import Catalog
from ttsai_server.services.billing import price
from ttsai_server.settings import Settings
from ttsai_server.store.db import open_database
from ttsai_server.store.ledger import Ledger, UsageTotal

CHARACTERS = 4900
MOST_CPU_SECONDS = 1.0
WATCH_SECONDS = 6.0
"""How long the server is watched after the client has disconnected."""
MOST_AHEAD = 600
"""Most characters synthesized and billed beyond what the client received: two chunks, and what was in buffers."""


@dataclass(frozen=True, slots=True)
class Departure:
    cpu: float
    """CPU-seconds after the client had disconnected."""
    characters: int
    """Billed."""
    credits: int


def run(bench: Bench) -> list[Figure]:
    with ours(bench.model) as server:
        whole = _order(bench, server, prose(CHARACTERS)).bytes
        left = [_leave(bench, server, prose(CHARACTERS, turn), whole // 2) for turn in range(1, bench.rounds + 1)]
    settings = Settings()
    card = Catalog.read(settings.models.cards, demo=True).models[bench.model]
    tariff = price(settings.prices, Capability.TTS, card.tier)
    wrong = [each.credits - tariff.of(each.characters) for each in left]
    ahead = middle([each.characters - CHARACTERS / 2 for each in left])
    cpu = [each.cpu for each in left]
    note = f"{left[0].credits} credits for {left[0].characters} of {CHARACTERS} characters"
    return [
        Figure("spent after it left", middle(cpu), "CPU-s", most=MOST_CPU_SECONDS, note=f"at worst {max(cpu):.2f}"),
        Figure("billed beyond the half it got", ahead, "characters", most=MOST_AHEAD),
        Figure("charged beyond the price of it", max(map(abs, wrong)), "credits", most=0, note=note),
    ]


def _order(bench: Bench, server: Running, text: str, leave_after: int | None = None) -> Answer:
    body = bench.order(text, format="wav", stream=True)
    return speak(server.url, "/v1/tts/", server.key, body, leave_after=leave_after)


def _leave(bench: Bench, server: Running, text: str, leave_after: int) -> Departure:
    before = _usage(server)
    _order(bench, server, text, leave_after)
    cpu = cpu_seconds(server.pid)
    sleep(WATCH_SECONDS)
    spent, after = cpu_seconds(server.pid) - cpu, _usage(server)
    return Departure(spent, after.characters - before.characters, after.credits - before.credits)


def _usage(server: Running) -> UsageTotal:
    """The account's usage so far, read from the server's database."""

    async def read() -> list[UsageTotal]:
        database = open_database(Settings(data_dir=server.data_dir))
        try:
            return await Ledger(database).usage(server.account, 0)
        finally:
            await database.close()

    return asyncio.run(read())[0]
