"""Cores, CPU time and memory of processes, from /proc."""

import os
import platform
import sqlite3
from importlib.metadata import version
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SERVER_CORE, LOAD_CORE = {CORES[0]} if CORES else set(), {CORES[-1]} if CORES else set()
TICKS = os.sysconf("SC_CLK_TCK")
PEERS = ("flask", "granian", "gunicorn", "flask-login", "flask-sqlalchemy", "sqlalchemy",
         "flask-security", "django", "argon2-cffi")  # fmt: skip


def description() -> dict[str, object]:
    """Return what the figures depend on."""
    return {
        "cores": len(CORES),
        "cpu": cpu_model(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load_average_at_start": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in PEERS},
    }


def cpu_model() -> str:
    """Return what the processor calls itself."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "?")


def members(session: int) -> list[int]:
    """Return the running processes of a server, which leads a session of its own."""
    found = []
    for entry in Path("/proc").iterdir():
        fields = stat(entry) if entry.name.isdigit() else []
        if fields and int(fields[3]) == session and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def stat(process: Path) -> list[str]:
    """Return the fields of /proc/PID/stat after the name, which may contain anything."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def cpu_seconds(session: int) -> float:
    """Return the CPU time, user and system, that a server has used so far."""
    every = [stat(Path(f"/proc/{pid}")) for pid in members(session)]
    return sum(int(fields[11]) + int(fields[12]) for fields in every if fields) / TICKS


def worker_memory(session: int) -> dict[str, float]:
    """Return the memory of a server's largest process, its worker, in MiB: RSS and PSS."""
    every = [memory(pid) for pid in members(session)]
    return max(every, key=lambda values: values["rss"])


def memory(pid: int) -> dict[str, float]:
    """Return RSS (all pages) and PSS (shared ones in part) of a process in MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    sizes = {line.split(":")[0]: line.split() for line in lines[1:]}
    return {"rss": int(sizes["Rss"][1]) / 1024, "pss": int(sizes["Pss"][1]) / 1024}
