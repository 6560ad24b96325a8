"""Keep resident memory low: what the kernel holds on to by default."""

import ctypes
from pathlib import Path

_MADV_DONTNEED = 4
_MAPS = Path("/proc/self/maps")


def forget_pages(folder: Path) -> None:
    """Let go of the resident pages of files under `folder` that are mapped read-only; elsewhere than on Linux nothing.

    They come back from the file when they are read again: madvise(2).
    """
    if not _MAPS.is_file():
        return
    libc = ctypes.CDLL(None)
    for line in _MAPS.read_text("utf-8").splitlines():
        addresses, rights, *_, path = line.split(maxsplit=5)
        if path.startswith(f"{folder.resolve()}/") and "w" not in rights:
            start, end = (int(address, 16) for address in addresses.split("-"))
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_DONTNEED)
