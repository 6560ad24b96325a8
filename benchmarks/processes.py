"""Processes under test, and what they cost, read from Linux' /proc: everything below one process id counts."""

import os
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import IO

TICKS = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 30
SETTLE_SECONDS = 0.5
"""After an answer, until threads that still spin or tidy up have come to rest."""


def cpu_seconds(pid: int) -> float:
    """Processor time that a process and all its descendants have used so far, ended ones included."""
    return sum(_own_and_ended(each) for each in _tree(pid))


def resident_mb(pid: int) -> float:
    """Resident memory now, of the process and its descendants, MB (10⁶ bytes)."""
    return sum(_status(each, "VmRSS") for each in _tree(pid))


def peak_mb(pid: int) -> float:
    """The most that was ever resident, MB; the peaks of descendants are added, as if they fell together."""
    return sum(_status(each, "VmHWM") for each in _tree(pid))


def open_files(pid: int) -> int:
    """Open file descriptors of the process and its descendants."""
    return sum(len(list(Path(f"/proc/{each}/fd").iterdir())) for each in _tree(pid))


def thread_count(pid: int) -> int:
    """Threads of the process and its descendants."""
    return sum(len(list(Path(f"/proc/{each}/task").iterdir())) for each in _tree(pid))


def process_count(pid: int) -> int:
    """The process and its descendants."""
    return len(_tree(pid))


@contextmanager
def running(
    command: Sequence[str | Path], env: Mapping[str, str] | None = None, log: IO[str] | None = None
) -> Generator["subprocess.Popen[str]"]:
    """Run a command in a process group of its own; it has ended when the block ends.

    What it says goes to `log`; without one, its standard output is a pipe.
    """
    process = subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, **(env or {})},
        stdin=subprocess.PIPE,
        stdout=log or subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _stop(process)


def settled_cpu_seconds(pid: int) -> float:
    """`cpu_seconds` once the process is at rest, so that nothing begun before is counted after."""
    sleep(SETTLE_SECONDS)
    return cpu_seconds(pid)


def _stop(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def _tree(pid: int) -> list[int]:
    found = [pid]
    for each in found:
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            found.extend(map(int, task.read_text().split()))
    return found


def _own_and_ended(pid: int) -> float:
    # after the name, which may hold spaces, utime, stime, cutime and cstime are fields 11 to 14 (proc(5))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def _status(pid: int, key: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0
