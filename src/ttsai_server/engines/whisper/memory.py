"""Keep the memory that an encoder's layers pass on to one another."""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -4, -8
_KEPT = 1 << 30


def keep_freed_memory() -> None:
    """Make glibc use freed blocks again, in the whole process, and give none back; elsewhere do nothing.

    Whisper base frees 72 MB of attention in each layer of each chunk. To get them anew from the system, by page, is
    almost half of its encoder's cost: mallopt(3). One arena, since only the first can hold blocks of that size.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option, value in ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _KEPT), (_M_ARENA_MAX, 1)):
            libc.mallopt(option, value)
