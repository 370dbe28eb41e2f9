"""bin/bench flood: other visitors' pages while many log in without pause; start time; memory.

Vestibule as bin/serve runs it, on all cores. Pages are requested at a steady rate whatever
happens, each over a new connection, and timed from the moment they were due: a server that
stalls cannot hide it.
"""

import asyncio
import random
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import machine
from .hashes import hashes_per_second
from .peers import vestibule
from .servers import serve_vestibule
from .visitors import Visitor, login_requests, page_requests

RATE = 100  # pages a second
SETTINGS = {name: value for name, value in vestibule.SETTINGS.items() if name != "DATABASE_URL"}


@dataclass
class Seen:
    """Times in ms of the answers of each kind, by status; -1 is a broken connection."""

    pages: dict[int, list[float]] = field(default_factory=dict)
    logins: dict[int, list[float]] = field(default_factory=dict)


def flood(folder: Path, quick: bool) -> dict[str, Any]:
    """Measure idle, with 8 and with 32 clients, in turn, for some rounds."""
    rounds, seconds = (1, 4) if quick else (5, 8)
    vestibule.create_app()  # fills the database
    started = start_times(folder, 1 if quick else 5)
    with serve_vestibule(folder / "vestibule.db", **SETTINGS) as server:
        Visitor(server.port).send("GET", "/")
        idle_memory = machine.worker_memory(server.session)
        requests = page_requests(server.port), login_requests(server.port)
        asyncio.run(run(server.port, *requests, 0, 2))
        figures = [one_of_each(server.port, requests, seconds) for _ in range(rounds)]
        memory = {"idle": idle_memory, "after": machine.worker_memory(server.session)}
    result = {str(clients): summary(figures, clients, seconds) for clients in (8, 32)}
    alone = statistics.median(each["alone"] for each in figures)
    return {"start_seconds": started, "memory_mib": memory, "hashes_alone": alone, **result}


def one_of_each(
    port: int, requests: tuple[list[bytes], list[bytes]], seconds: float
) -> dict[Any, Any]:
    """Return the results by number of clients, and those of the hash alone."""
    seen = {clients: asyncio.run(run(port, *requests, clients, seconds)) for clients in (0, 8, 32)}
    return {**seen, "alone": hashes_per_second(2)}


def start_times(folder: Path, times: int) -> float:
    """Return the median time from starting the server to its first page."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        with serve_vestibule(folder / "vestibule.db", **SETTINGS) as server:
            if Visitor(server.port).send("GET", "/").status == 200:
                taken.append(time.perf_counter() - start)
    return statistics.median(taken)


async def run(
    port: int, pages: list[bytes], logins: list[bytes], clients: int, seconds: float
) -> Seen:
    """Request pages at a steady rate while clients log in without pause."""
    seen, end = Seen(), time.perf_counter() + seconds
    loops = [asyncio.create_task(log_in(port, logins, end, seen)) for _ in range(clients)]
    asked = []
    due = time.perf_counter()
    while due < end:
        await asyncio.sleep(due - time.perf_counter())
        asked.append(asyncio.create_task(timed(port, pages[0], due, seen.pages)))
        due += 1 / RATE
    await asyncio.gather(*asked, *loops)
    return seen


async def log_in(port: int, logins: list[bytes], end: float, seen: Seen) -> None:
    """Log in again and again, as different users."""
    while time.perf_counter() < end:
        await timed(port, random.choice(logins), time.perf_counter(), seen.logins)


async def timed(port: int, request: bytes, since: float, seen: dict[int, list[float]]) -> None:
    """Send a request over a new connection and note how long its answer took."""
    try:
        status = await asyncio.wait_for(answer(port, request), 15)
    except (OSError, ValueError, IndexError, TimeoutError):
        status = -1
    seen.setdefault(status, []).append(1e3 * (time.perf_counter() - since))


async def answer(port: int, request: bytes) -> int:
    """Return the status of the answer to one request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
    text = await reader.read(-1)
    writer.close()
    return int(text.split(b" ", 2)[1])


def summary(figures: list[dict[Any, Any]], clients: int, seconds: float) -> dict[str, float]:
    """Return the medians over the rounds for one number of clients."""
    rounds = [one_round(each, clients, seconds) for each in figures]
    return {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}


def one_round(figures: dict[Any, Any], clients: int, seconds: float) -> dict[str, float]:
    """Compare one round with its own idle run and its own hash alone."""
    idle, seen = figures[0], figures[clients]
    accepted, refused = seen.logins.pop(302, []), seen.logins.pop(503, [])
    p99_idle, p99 = percentile(idle.pages[200], 99), percentile(seen.pages[200], 99)
    broken = sum(len(times) for kind in (seen.pages, seen.logins) for status, times in kind.items()
                 if status != 200)  # fmt: skip
    return {
        "p99_idle_ms": p99_idle,
        "p99_ms": p99,
        "p99_factor": p99 / p99_idle,
        "logins_per_second": len(accepted) / seconds,
        "of_hash_alone": len(accepted) / seconds / figures["alone"],
        "refused": len(refused),
        "refused_p99_ms": percentile(refused, 99),
        "refused_max_ms": max(refused, default=0.0),
        "other_answers": broken,
    }


def percentile(times: list[float], percent: int) -> float:
    """Return a percentile of some times; 0 when there are none."""
    return sorted(times)[(len(times) - 1) * percent // 100] if times else 0.0
