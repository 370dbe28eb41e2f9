"""The default of HASH_THREADS: the cores that this process may use."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from processes import ROOT

from cores import available_cores


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


@pytest.mark.parametrize(("cores", "threads"), [(3, 3), (384, 256)])
def test_the_default_of_hash_threads_is_the_available_cores_up_to_its_limit(
    cores: int, threads: int
) -> None:
    code = (
        f"import cores; cores.available_cores = lambda: {cores}; from config import Config\n"
        "print(Config.load('', {'SECRET_KEY': '0123456789abcdef' * 4}).HASH_THREADS)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == threads
