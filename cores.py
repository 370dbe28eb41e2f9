"""How many cores there are to use."""

import os
from collections.abc import Iterator
from pathlib import Path


def available_cores(root: Path = Path("/")) -> int:
    """Return how many cores this process may use, at least 1: CPU affinity and cgroup quotas count.

    A container may have two of a machine's 64 cores. os.cpu_count() says 64, and as many hashes at
    once would starve every page. https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max)
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not on macOS and Windows, or refused
        cores = os.cpu_count() or 1
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):
        lines = []
    quotas = [quota for line in lines for quota in _cpu_quotas(root / "sys/fs/cgroup", line)]
    return max(1, int(min([cores, *quotas])))


def _cpu_quotas(mounted: Path, line: str) -> Iterator[float]:
    _, controllers, path = [*line.split(":", 2), "", ""][:3]
    if not controllers:  # version 2
        files = ["cpu.max"]
    elif "cpu" in controllers.split(","):
        mounted, files = mounted / "cpu", ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
    else:
        return
    for group in (Path(path), *Path(path).parents):  # the quotas of its parents hold too
        try:
            texts = [(mounted / str(group).lstrip("/") / file).read_text() for file in files]
            quota, period = map(int, " ".join(texts).split())
        except (OSError, ValueError):  # not there, or "max"
            continue
        if quota > 0 and period > 0:  # version 1 has -1 for none
            yield quota / period
