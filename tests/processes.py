"""Separate processes, for tests of races between servers and of servers that are killed."""

import asyncio
import subprocess
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path

import psutil

BARRIER = """
import sys
print("ready", flush=True)
sys.stdin.readline()
"""
"""To be put before the code that is to run simultaneously, and after slow code such as imports."""


def peak_mb(pid: int) -> float:
    """A process's peak resident memory, MB (10⁶ bytes)."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def model_processes() -> list[psutil.Process]:
    """The processes of models that servers and pools in this process have loaded."""

    def is_model(child: psutil.Process) -> bool:
        with suppress(psutil.Error):  # it has just ended
            return "ttsai_server.runtime.worker" in child.cmdline()
        return False

    return [child for child in psutil.Process().children() if is_model(child)]


async def python(code: str, *arguments: str) -> Process:
    """A Python process that runs `code`, with pipes to its stdin and stdout."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


async def at_once(count: int, code: str, *arguments: str) -> list[str]:
    """Run `code` in `count` processes, which pass the BARRIER in it together. → what each printed after it."""
    processes = [await python(code, *arguments) for _ in range(count)]
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    said = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * count
    return [out.decode().strip() for out, _ in said]
