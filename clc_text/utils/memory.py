"""What a run will need in memory, said before it takes it: a system that has given out all of its memory kills."""

from __future__ import annotations

import re
from pathlib import Path

from clc_text.errors import InputError

_GIB = 1 << 30


def check_memory(needed: float, what: str, lower: str) -> None:
    """Refuses what cannot be had; `needed` must be a lower bound, so that nothing is refused that would work.

    Args:
        needed: bytes.
        what: takes them, such as "10,000 peers of 180,000 numbers each".
        lower: the options to lower.

    Raises:
        InputError: there are not as many free.
    """
    free = free_memory()
    if free is not None and needed > free:
        raise InputError(
            f"{what} would take at least {_in_words(needed)} of memory, and {_in_words(free)} are free; lower {lower}",
            key=lower,
        )


def check_limit(needed: int, most: int, what: str, key: str) -> None:
    """Refuses what would take more than a limit of our own.

    Args:
        needed, most: bytes.
        what: takes them, with ``{}`` where the message says how many.

    Raises:
        InputError: it would.
    """
    if needed > most:
        told = what.format(f"{needed / _GIB:.0f} GB")
        raise InputError(f"{told}, more than {most // _GIB} GB", key=key)


def free_memory() -> int | None:
    """Bytes that this process could still get, swap included; None where the system does not say.

    Also what a container may still take (control groups, versions 1 and 2), since what lies beyond kills.
    """
    found = []
    try:
        told = dict(re.findall(r"^(\w+):\s+(\d+) kB", Path("/proc/meminfo").read_text(), flags=re.M))
        found.append((int(told["MemAvailable"]) + int(told.get("SwapFree", 0))) << 10)
    except (OSError, KeyError, ValueError):
        pass
    for folder, most, used in (
        ("/sys/fs/cgroup", "memory.max", "memory.current"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            limit, current = (int((Path(folder) / name).read_text()) for name in (most, used))
        except (OSError, ValueError):  # no such groups, or no limit ("max")
            continue
        # What is used counts pages of files, which are given up when memory is asked for: half is a safe guess.
        found.append(max(limit - current // 2, 0))
    return min(found, default=None)


def _in_words(size: float) -> str:
    if size >= 1 << 60:
        return f"{size / _GIB:.1e} GiB"
    return f"{size / _GIB:,.1f} GiB"
