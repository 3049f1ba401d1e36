"""The peak memory of a process."""

import contextlib
import os
from pathlib import Path


def reset_peak_memory() -> None:
    """Resets the peak where the system can (Linux); elsewhere it remains the peak since the process started."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb() -> float:
    """The peak memory of this process since `reset_peak_memory`, in MB (2^20 bytes)."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024
    import resource

    # ru_maxrss is in kilobytes on Linux and in bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if os.uname().sysname == "Linux" else 1024**2)
