"""Releases resident memory of mapped weights."""

import ctypes
from pathlib import Path

_MADV_DONTNEED = 4
_MAPS = Path("/proc/self/maps")


def forget_pages(folder: Path) -> None:
    """Drop the resident pages of files under `folder` that are mapped read-only, by madvise(2). Linux only.

    The kernel reads them from the file again when needed.
    """
    if not _MAPS.is_file():
        return
    libc = ctypes.CDLL(None)
    for line in _MAPS.read_text("utf-8").splitlines():
        addresses, rights, *_, path = line.split(maxsplit=5)
        if path.startswith(f"{folder.resolve()}/") and "w" not in rights:
            start, end = (int(address, 16) for address in addresses.split("-"))
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
