"""How the process's C allocator, glibc's, holds memory: mallopt(3). Elsewhere all of this does nothing.

What engines allocate comes and goes in blocks of many megabytes. What is freed can be kept, which is quicker, or given
back, which takes less; of two engines that want different things, the one that was loaded last has its way.
"""

import ctypes
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -3, -4, -8
_LARGE = 256 * 1024
_KEPT = 1 << 30


def use_one_arena() -> None:
    """Have all threads share one heap; to be called before there are any.

    By default each thread soon has a heap of its own, and what one has freed the others can't use: a server that
    listens took half as much again, and grew. Only the first heap can hold large blocks without mapping each anew.
    """
    _set((_M_ARENA_MAX, 1))


def keep_freed() -> None:
    """Use freed blocks again, and give none back.

    Whisper base frees 72 MB of attention in each layer of each chunk. To get them anew from the system, by page, is
    almost half of its encoder's cost.
    """
    _set((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _KEPT))


def return_freed() -> None:
    """Give every large freed block back; by default glibc's threshold for that grows with the blocks that are freed.

    A fifth of what Kokoro has resident.
    """
    _set((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _LARGE))


def _set(*options: tuple[int, int]) -> None:
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option, value in options:
            libc.mallopt(option, value)
