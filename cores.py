"""What this process may use: cores and memory, and how many hashes at once fit into that."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

MIB = 1024 * 1024
UNKNOWN_MEMORY = 1024 * 1024  # MiB

# What a server takes, in MiB: itself with its threads for pages, each hash, and one for the thread
# of each log-in that is hashed or waits (measured: 51, 20 and 0.6).
BASE_MEMORY = 80
HASH_MEMORY = 20
MOST_THREADS = 256
USUAL_QUEUE, FEWEST_WAITING = 40, 4


def available_cores(root: Path = Path("/")) -> int:
    """Return how many cores this process may use, at least 1: CPU affinity and cgroup quotas count.

    A container may have two of a machine's 64 cores. os.cpu_count() says 64, and as many hashes at
    once would starve every page. https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max)
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not on macOS and Windows, or refused
        cores = os.cpu_count() or 1
    limits = [["cpu.max"], ["cpu.cfs_quota_us", "cpu.cfs_period_us"]]
    pairs = [value for value in _cgroup_values(root, "cpu", *limits) if len(value) == 2]
    quotas = [quota / period for quota, period in pairs if quota > 0 and period > 0]
    return max(1, int(min([cores, *quotas])))  # version 1 has -1 for none


def available_memory(root: Path = Path("/")) -> int:
    """Return how much memory this process may use, in MiB: half of the machine's, and no more than
    its cgroup has (MemoryMax=, docker run --memory).
    """
    limits = [value[0] // MIB for value in _cgroup_values(
        root, "memory", ["memory.max"], ["memory.limit_in_bytes"]
    ) if value and value[0] > 0]  # fmt: skip
    with suppress(OSError, ValueError, IndexError):
        total = (root / "proc/meminfo").read_text().split("MemTotal:")[1].split()[0]
        limits.append(int(total) // 1024 // 2)
    return min([UNKNOWN_MEMORY, *limits])


def hashes_that_fit(cores: int, memory: int) -> tuple[int, int]:
    """Return how many passwords to hash at once, and how many log-ins may wait: what the cores can
    do, or less where the memory (MiB) is too little for it.
    """
    rest = memory - BASE_MEMORY
    threads = max(1, min(cores, MOST_THREADS, (rest - USUAL_QUEUE) // (HASH_MEMORY + 1)))
    return threads, max(FEWEST_WAITING, min(USUAL_QUEUE, rest - threads * (HASH_MEMORY + 1)))


def _cgroup_values(
    root: Path, controller: str, files: list[str], old_files: list[str]
) -> Iterator[list[int]]:
    """Yield the numbers in these files of the process's cgroup and its parents, whose limits hold
    too: `files` of version 2, `old_files` of version 1.
    """
    lines: list[str] = []
    with suppress(OSError, ValueError):
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        mounted, names = root / "sys/fs/cgroup", files
        if controllers:
            mounted, names = mounted / controller, old_files
        if controllers and controller not in controllers.split(","):
            continue
        for group in (Path(path), *Path(path).parents):
            folder = mounted / str(group).lstrip("/")
            with suppress(OSError, ValueError):  # not there, or "max"
                texts = [(folder / name).read_text() for name in names]
                yield [int(word) for word in " ".join(texts).split()]
