"""Tunes glibc's allocator for this process, with mallopt(3), and Python's garbage collector.

Engines allocate and free blocks of many megabytes. Keeping freed blocks is faster; returning them to the system takes
less memory. The setting is per process: if two engines choose differently, the one loaded last wins. Without glibc it
does nothing.
"""

import ctypes
import gc
import platform

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -3, -4, -8
_LARGE = 256 * 1024
_KEPT = 1 << 30


def use_one_arena() -> None:
    """Make all threads share one heap. Call it before any thread starts.

    By default each thread gets its own heap, and can't reuse memory that another thread freed: a transcribing server
    took half as much memory again, and grew. Only the first heap can hold large blocks without mapping each anew.
    """
    _set((_M_ARENA_MAX, 1))


def keep_freed() -> None:
    """Keep freed blocks for reuse, and return none to the system.

    Whisper base frees 72 MB of attention in each layer of each chunk. Mapping them again, page by page, would be almost
    half of its encoder's cost.
    """
    _set((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, _KEPT))


def return_freed() -> None:
    """Return every large freed block to the system; by default glibc's threshold grows with the blocks freed.

    Saves a fifth of Kokoro's resident memory.
    """
    _set((_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _LARGE))


def spare_collector() -> None:
    """Leave all objects that exist now out of garbage collections. To be called when everything is loaded.

    Modules and models stay until the process ends, and a full collection that looks at the 140,000 objects of a server
    stops it for 75 ms.
    """
    gc.collect()
    gc.freeze()


def _set(*options: tuple[int, int]) -> None:
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for option, value in options:
            libc.mallopt(option, value)
