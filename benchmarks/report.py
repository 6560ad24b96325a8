"""A measured figure, its target, and how it is shown."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

PACKAGES = ("fastapi", "uvicorn", "openvino", "onnxruntime", "sqlalchemy")


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str
    most: float | None = None
    """Passes at or below it."""
    least: float | None = None
    """Passes at or above it."""
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """None where there is no target: shown to compare with."""
        if self.most is None and self.least is None:
            return None
        above = self.least is None or self.value >= self.least
        return above and (self.most is None or self.value <= self.most)

    @property
    def target(self) -> str:
        bounds = (("≤", self.most), ("≥", self.least))
        return " ".join(f"{sign} {bound:g}" for sign, bound in bounds if bound is not None)


def has_bf16() -> bool:
    """Whether this CPU has bfloat16 instructions."""
    info = Path("/proc/cpuinfo").read_text()
    return "avx512_bf16" in info or "amx_bf16" in info


def machine() -> dict[str, Any]:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "unknown")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "bf16": has_bf16(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def write_json(path: Path, about: dict[str, Any], results: dict[str, list[Figure]]) -> None:
    benchmarks = {
        name: [{**asdict(figure), "passed": figure.passed} for figure in figures] for name, figures in results.items()
    }
    path.write_text(json.dumps({**about, "benchmarks": benchmarks}, indent=2, ensure_ascii=False) + "\n")


def print_table(about: dict[str, Any], results: dict[str, list[Figure]]) -> None:
    table = Table("benchmark", "figure", "value", "unit", "target", "", "note", title=str(about["processor"]))
    marks = {None: "", True: "[green]pass[/]", False: "[bold red]MISS[/]"}
    for name, figures in results.items():
        for figure in figures:
            value = f"{figure.value:.4g}"
            table.add_row(name, figure.name, value, figure.unit, figure.target, marks[figure.passed], figure.note)
        table.add_section()
    Console(width=180).print(table)
