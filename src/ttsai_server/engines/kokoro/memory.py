"""Keep resident memory low: what glibc and the kernel hold on to by default."""

import ctypes
import platform
from pathlib import Path

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_MADV_DONTNEED = 4
_LARGE = 256 * 1024
_MAPS = Path("/proc/self/maps")


def return_freed_memory() -> None:
    """Make glibc give every large freed block back to the system; elsewhere do nothing.

    Its threshold for that otherwise grows with the blocks that are freed: mallopt(3). A fifth of the resident memory.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option, value in ((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _LARGE), (_M_ARENA_MAX, 2)):
            libc.mallopt(option, value)


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
