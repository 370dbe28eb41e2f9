"""The defaults of HASH_THREADS and HASH_QUEUE: what this process may use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import ROOT

from cores import available_cores, available_memory, hashes_that_fit


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)), raising=False)


def machine(folder: Path, cgroup: str | bytes, files: dict[str, str]) -> Path:
    """Create the files that Linux shows under / for a process in this cgroup."""
    content = {
        "proc/self/cgroup": cgroup,
        **{f"sys/fs/cgroup/{name}": files[name] for name in files},
    }
    for name, text in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


V2 = "0::/a/x\n"
V1 = "12:memory:/other\n4:cpu,cpuacct:/docker/abc\n0::/\n"


@pytest.mark.parametrize(
    ("cgroup", "files", "cores"),
    [
        (V2, {}, 8),
        (V2, {"a/x/cpu.max": "max 100000\n"}, 8),
        (V2, {"a/x/cpu.max": "200000 100000\n"}, 2),
        (V2, {"a/x/cpu.max": "250000 100000\n"}, 2),
        (V2, {"a/x/cpu.max": "50000 100000\n"}, 1),
        (V2, {"a/x/cpu.max": "6400000 100000\n"}, 8),
        (V2, {"a/x/cpu.max": "max 100000", "a/cpu.max": "300000 100000"}, 3),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),  # in a container
        ("0::/../..\n", {"cpu.max": "200000 100000\n"}, 2),
        (V1, {"cpu/docker/abc/cpu.cfs_quota_us": "-1\n",
              "cpu/docker/abc/cpu.cfs_period_us": "100000\n"}, 8),
        (V1, {"cpu/docker/abc/cpu.cfs_quota_us": "400000\n",
              "cpu/docker/abc/cpu.cfs_period_us": "100000\n"}, 4),
        (V1, {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        (V1, {"cpu/other/cpu.cfs_quota_us": "100000\n",
              "cpu/other/cpu.cfs_period_us": "100000\n"}, 8),
        (V1, {"cpu/docker/abc/cpu.cfs_quota_us": "400000\n"}, 8),
        *[(V2, {"a/x/cpu.max": strange}, 8)
          for strange in ("", "x", "100000", "1 2 3", "100000 0", "-5 100000", "\0\0")],
        *[(strange, {}, 8) for strange in ("", ":", "::", "x", "0::", ":::::", b"\xff", "\0:\0")],
    ],
)  # fmt: skip
def test_the_quota_of_the_cgroup_counts_and_nothing_strange_there_is_a_fault(
    tmp_path: Path, cgroup: str | bytes, files: dict[str, str], cores: int
) -> None:
    assert available_cores(machine(tmp_path, cgroup, files)) == cores


def test_affinity_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {3}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert available_cores(tmp_path) == 1


@pytest.mark.parametrize(("known", "cores"), [(4, 4), (None, 1)])
def test_without_affinity_and_proc_the_machine_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: int | None, cores: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: known)
    assert available_cores(tmp_path) == cores


GIB = 1024 * 1024 * 1024
MACHINE = 8 * 1024  # MiB


@pytest.mark.parametrize(
    ("cgroup", "files", "memory"),
    [
        (V2, {}, MACHINE // 2),
        (V2, {"a/x/memory.max": "max\n"}, MACHINE // 2),
        (V2, {"a/x/memory.max": f"{GIB}\n"}, 1024),
        (V2, {"a/x/memory.max": "max\n", "a/memory.max": f"{GIB}\n"}, 1024),
        (V2, {"a/x/memory.max": f"{64 * GIB}\n"}, MACHINE // 2),
        ("0::/\n", {"memory.max": f"{GIB // 2}\n"}, 512),  # in a container
        (V1, {"memory/other/memory.limit_in_bytes": f"{GIB}\n"}, 1024),
        (V1, {"memory/memory.limit_in_bytes": f"{GIB}\n"}, 1024),
        (V1, {"memory/other/memory.limit_in_bytes": "9223372036854771712\n"}, MACHINE // 2),
        (V1, {"memory/docker/abc/memory.limit_in_bytes": "1\n"}, MACHINE // 2),
        *[(V2, {"a/x/memory.max": strange}, MACHINE // 2) for strange in ("", "x", "-1", "0")],
    ],
)  # fmt: skip
def test_the_memory_of_the_cgroup_counts_and_half_of_the_machines(
    tmp_path: Path, cgroup: str, files: dict[str, str], memory: int
) -> None:
    root = machine(tmp_path, cgroup, files)
    (root / "proc/meminfo").write_text(f"MemTotal:       {MACHINE * 1024} kB\nMemFree: 1 kB\n")
    assert available_memory(root) == memory


def test_where_nothing_is_known_memory_is_no_limit(tmp_path: Path) -> None:
    assert hashes_that_fit(8, available_memory(tmp_path)) == (8, 40)


@pytest.mark.parametrize(
    ("cores", "memory", "fitting"),
    [
        (2, 4096, (2, 40)),
        (64, 4096, (64, 40)),
        (384, 65536, (256, 40)),
        (64, 512, (18, 40)),
        (2, 128, (1, 27)),
        (64, 64, (1, 4)),
    ],
)
def test_as_many_hashes_as_fit(cores: int, memory: int, fitting: tuple[int, int]) -> None:
    assert hashes_that_fit(cores, memory) == fitting


def test_the_defaults_are_what_fits() -> None:
    code = (
        "import cores; cores.available_cores = lambda: 64; cores.available_memory = lambda: 512\n"
        "from config import Config\n"
        "config = Config.load('', {'SECRET_KEY': '0123456789abcdef' * 4})\n"
        "print(config.HASH_THREADS, config.HASH_QUEUE)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["18", "40"]
