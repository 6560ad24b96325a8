"""Cost of the ledger: reserve and settle in an SQLite file, by many concurrent callers."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from benchmarks.bench import Bench, middle
from benchmarks.report import Figure
from ttsai_server.settings import Settings
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import open_database
from ttsai_server.store.ledger import Ledger, Used
from ttsai_server.store.migrate import upgrade

USED = Used("tts", "kokoro", 34, 2.0, 2)
PAIRS, AT_ONCE = 2000, 50
MOST_CPU_MS = 2.5
LEAST_PER_SECOND = 200


def run(bench: Bench) -> list[Figure]:
    rounds: list[tuple[float, float]] = []
    for _ in range(bench.rounds):
        with TemporaryDirectory() as folder:
            rounds.append(asyncio.run(_measure(Settings(data_dir=Path(folder)))))
    cpu_ms, per_second = (middle(each) for each in zip(*rounds, strict=True))
    return [
        Figure("reserve + settle", cpu_ms, "CPU-ms", most=MOST_CPU_MS),
        Figure("reserve + settle, 50 at once", per_second, "pairs/s", least=LEAST_PER_SECOND),
    ]


async def _measure(settings: Settings) -> tuple[float, float]:
    """→ CPU milliseconds a pair, pairs a second."""
    await upgrade(settings)
    database = open_database(settings)
    account = (await Accounts(database).create("benchmark", "pro", 10**9)).id
    ledger = Ledger(database)
    await asyncio.gather(*(_pairs(ledger, account, 2) for _ in range(AT_ONCE)))
    cpu, clock = process_time(), perf_counter()
    await asyncio.gather(*(_pairs(ledger, account, PAIRS // AT_ONCE) for _ in range(AT_ONCE)))
    result = (process_time() - cpu) / PAIRS * 1e3, PAIRS / (perf_counter() - clock)
    await database.close()
    return result


async def _pairs(ledger: Ledger, account: str, count: int) -> None:
    for _ in range(count):
        reservation = await ledger.reserve(account, USED.credits, 60)
        await ledger.settle(reservation.id, USED)
