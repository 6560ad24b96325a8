"""Separate processes, for tests of races between servers and of servers that are killed."""

import asyncio
import json
import subprocess
import sys
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path

import psutil

BARRIER = """
import atexit, io, json, os, sys
waiting, opened = os.pipe()
others = []
for _ in range(int(sys.argv.pop())):
    if not (other := os.fork()):
        break
    others.append(other)
else:
    os.close(opened)  # the last end that is open: all go on
    os._exit(any([os.waitpid(other, 0)[1] for other in others]))
os.close(opened)
os.read(waiting, 1)
sys.stdout = io.StringIO()
atexit.register(lambda: os.write(1, f"{json.dumps(sys.stdout.getvalue())}\\n".encode()))
"""
"""To be put before the code that is to run simultaneously, and after slow code such as imports, which is run once; what
is not to be shared, such as an open database, comes after it."""


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
    process = await python(code, *arguments, str(count))
    said, _ = await process.communicate()
    assert process.returncode == 0
    outputs = [json.loads(line).strip() for line in said.splitlines()]
    assert len(outputs) == count
    return outputs
