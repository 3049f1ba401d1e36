"""Memory that stays with the process that trains: a preloaded allocator, or glibc told to keep what is freed.

A training step allocates the same tensors again and again. glibc returns large ones to the system as soon as they are
freed, so that at every step the kernel has to find and clear their pages again. jemalloc and tcmalloc, where one is
installed, keep them and share them better among threads. An allocator has to be loaded before the first allocation, so
the command executes itself once more with it (`preload`). Everywhere else glibc's own settings achieve most of it
(`tune_glibc`). Memory that is kept is reused: a process holds at most what it needed at its peak. Results do not depend
on the allocator.

INDOMAIN_ALLOCATOR=system leaves the allocator alone, INDOMAIN_ALLOCATOR=glibc preloads nothing.
"""

import ctypes
import os
import subprocess
import sys
from functools import cache

# By name, as the loader finds them; the fastest first.
LIBRARIES = ("libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libtcmalloc.so.4")
# Freed pages stay with the process; no decay returns them to the system.
JEMALLOC = "retain:true,dirty_decay_ms:-1,muzzy_decay_ms:-1"
AGAIN = "INDOMAIN_PRELOADED"  # set between `preload` and the same command with an allocator

# From glibc's malloc.h: parameter -> values, of which the first that this glibc accepts is set.
GLIBC = {
    -3: (
        2**30,
        2**25,
    ),  # M_MMAP_THRESHOLD: separate mappings, which are unmapped when freed, for the largest blocks only
    -1: (-1,),  # M_TRIM_THRESHOLD: the end of the heap is never returned
    -2: (2**26,),  # M_TOP_PAD: nor are the heaps of threads, 64 MB each, when they are empty
}
# Variables with which a user has already configured glibc.
GLIBC_SET = (
    "GLIBC_TUNABLES",
    "MALLOC_ARENA_MAX",
    "MALLOC_MMAP_MAX_",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TOP_PAD_",
    "MALLOC_TRIM_THRESHOLD_",
)


def left_alone() -> bool:
    """Whether the user wants the system's allocator unchanged."""
    return os.environ.get("INDOMAIN_ALLOCATOR") == "system" or sys.platform != "linux"


@cache
def find() -> str | None:
    """The library to preload, or None where none is installed or the loader refuses it."""
    return next((library for library in LIBRARIES if _loads(library)), None)


def _loads(library: str) -> bool:
    """Asks the loader itself, which complains on standard error about a library that it cannot preload, and continues."""
    environment = {"LD_PRELOAD": library, "LC_ALL": "C"}
    command = [sys.executable, "-I", "-S", "-c", ""]
    try:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and not done.stderr


def environment() -> dict[str, str]:
    """The environment variables to start a working process with; empty where the allocator is left alone.

    Libraries that the user preloads, and the user's `MALLOC_CONF`, are kept.
    """
    preloaded = os.environ.get("LD_PRELOAD", "")
    if left_alone() or os.environ.get("INDOMAIN_ALLOCATOR") == "glibc" or "malloc" in preloaded:
        return {}
    library = find()
    if library is None:
        return {}
    return {
        "LD_PRELOAD": f"{preloaded}:{library}" if preloaded else library,
        "MALLOC_CONF": os.environ.get("MALLOC_CONF") or JEMALLOC,
    }


def preload() -> None:
    """Executes this process's own command again, once, with an allocator if one is found.

    The process keeps its number, but starts over: call this for a command line only, before anything else is done. The
    second time it restores the environment, so that programs started by the process are not affected.
    """
    given = os.environ.pop(AGAIN, None)
    if given is not None:
        for name, value in zip(("LD_PRELOAD", "MALLOC_CONF"), given.split("\n")):
            os.environ.update({name: value}) if value else os.environ.pop(name, None)
        return
    wanted = environment()
    if wanted:
        before = "\n".join(os.environ.get(name, "") for name in wanted)
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **wanted, AGAIN: before})


def tune_glibc() -> None:
    """Tells glibc to keep freed memory, for processes started without another allocator."""
    if left_alone() or any(name in os.environ for name in GLIBC_SET):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, values in GLIBC.items():
            any(mallopt(parameter, value) for value in values)
