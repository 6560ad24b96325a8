"""What money costs: reserve + settle, on an SQLite file of its own or on the Postgres that `--url` names.

    python benchmarks/ledger.py [--url postgresql://…] [--pairs 2000] [--at-once 50]

Prints CPU milliseconds of this process for each pair, and pairs a second. Held to: 2.5 ms, 200 a second at 50 at once.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from ttsai_server.settings import Settings, Store
from ttsai_server.store.accounts import Accounts
from ttsai_server.store.db import open_database
from ttsai_server.store.ledger import Ledger, Used
from ttsai_server.store.migrate import upgrade

USED = Used("tts", "kokoro", 34, 2.0, 2)
MOST_CPU_MS = 2.5
LEAST_PER_SECOND = 200


async def pairs(ledger: Ledger, account: str, count: int) -> None:
    for _ in range(count):
        reservation = await ledger.reserve(account, USED.credits, 60)
        await ledger.settle(reservation.id, USED)


async def measure(settings: Settings, count: int, at_once: int) -> tuple[float, float]:
    """→ CPU milliseconds a pair, pairs a second."""
    await upgrade(settings)
    database = open_database(settings)
    account = (await Accounts(database).create("benchmark", "pro", 10**9)).id
    ledger = Ledger(database)
    await asyncio.gather(*(pairs(ledger, account, 2) for _ in range(at_once)))
    cpu, clock = process_time(), perf_counter()
    await asyncio.gather(*(pairs(ledger, account, count // at_once) for _ in range(at_once)))
    done = count // at_once * at_once
    result = (process_time() - cpu) / done * 1e3, done / (perf_counter() - clock)
    await database.close()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--url", default="")
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--at-once", type=int, default=50)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), store=Store(url=asked.url))
        cpu_ms, per_second = asyncio.run(measure(settings, asked.pairs, asked.at_once))
    print(f"{cpu_ms:.2f} ms CPU a pair, {per_second:.0f} pairs/s, {asked.at_once} at once")
    sys.exit(not asked.url and (cpu_ms > MOST_CPU_MS or per_second < LEAST_PER_SECOND))


if __name__ == "__main__":
    main()
