"""python -m benchmarks [names]"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks import (
    cloning,
    cluster,
    conversation,
    departure,
    fairness,
    first_byte,
    gpu,
    hostile,
    isolation,
    jobs,
    ledger,
    listening,
    memory,
    music,
    overhead,
    rooms,
    soak,
    speech_cost,
    start,
    streamed,
    tools,
    translation,
)
from benchmarks.bench import VOICES, Bench
from benchmarks.report import Figure, machine, print_table, write_json
from benchmarks.servers import weights_missing

BENCHMARKS: Mapping[str, Callable[[Bench], list[Figure]]] = {
    "start": start.run,
    "ledger": ledger.run,
    "overhead": overhead.run,
    "first_byte": first_byte.run,
    "speech_cost": speech_cost.run,
    "streamed": streamed.run,
    "fairness": fairness.run,
    "departure": departure.run,
    "memory": memory.run,
    "isolation": isolation.run,
    "jobs": jobs.run,
    "listening": listening.run,
    "tools": tools.run,
    "rooms": rooms.run,
    "music": music.run,
    "cloning": cloning.run,
    "conversation": conversation.run,
    "translation": translation.run,
    "gpu": gpu.run,
    "soak": soak.run,
    "hostile": hostile.run,
    "cluster": cluster.run,
}
BY_NAME_ONLY = {"cluster", "gpu", "soak", "hostile"}
"""Benchmarks that take too long, a GPU or a cluster, and are not run by default."""
RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    asked = _arguments()
    if missing := weights_missing(asked.model):
        sys.exit(missing)
    bench, about, results = Bench(asked.model, asked.rounds, asked.minutes), machine(), dict[str, list[Figure]]()
    for name in asked.names or [name for name in BENCHMARKS if name not in BY_NAME_ONLY]:
        print(f"{name} …", file=sys.stderr, flush=True)
        results[name] = BENCHMARKS[name](bench)
        write_json(asked.json, {**about, "model": asked.model, "rounds": asked.rounds}, results)
    print_table(about, results)
    sys.exit(any(figure.passed is False for figures in results.values() for figure in figures))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Exits with 1 if a target is missed.")
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(BENCHMARKS)}; if none, all quick ones")
    parser.add_argument("--model", choices=sorted(VOICES), default="kokoro", help="what speaks (default: kokoro)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each thing is measured (default: 3)")
    parser.add_argument("--minutes", type=float, default=15, help="how long the soak takes (default: 15)")
    parser.add_argument("--json", type=Path, default=RESULTS, help="file for the figures")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(BENCHMARKS):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    return asked


if __name__ == "__main__":
    main()
