"""Slices of load in turn, round after round, so that a busy minute affects all servers alike."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from . import load, machine
from .servers import Server


@dataclass
class Contestant:
    """A running server and what to ask it."""

    name: str
    server: Server
    requests: list[bytes]


def compare(contestants: list[Contestant], rounds: int, seconds: float) -> dict[str, Any]:
    """Return medians for each server: answers per second, CPU milliseconds per answer, latency."""
    for contestant in contestants:
        load.send(contestant.server.port, contestant.requests, 1)  # warm up
    slices: dict[str, list[dict[str, float]]] = {each.name: [] for each in contestants}
    for contestant in turns(contestants, rounds):
        slices[contestant.name].append(one_slice(contestant, seconds))
    return {name: medians(each) for name, each in slices.items()}


def turns(things: list[Any], rounds: int) -> Iterable[Any]:
    """Yield the servers in the order A B C, C B A, A B C and so on."""
    for number in range(rounds):
        yield from things[:: -1 if number % 2 else 1]


def one_slice(contestant: Contestant, seconds: float) -> dict[str, float]:
    """Load one server for a while."""
    session = contestant.server.session
    before = machine.cpu_seconds(session)
    result = load.send(contestant.server.port, contestant.requests, seconds)
    used = machine.cpu_seconds(session) - before
    if result.failed or not result.requests:
        raise SystemExit(f"{contestant.name}: {result.failed} of {result.requests} failed")
    return {
        "per_second": result.per_second,
        "cpu_ms": 1e3 * used / result.requests,
        "p50_ms": result.p50,
        "p99_ms": result.p99,
    }


def medians(slices: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each figure, and how far slices of the same kind differ."""
    figures = {key: statistics.median(each[key] for each in slices) for key in slices[0]}
    rates = [each["per_second"] for each in slices]
    return {**figures, "spread": (max(rates) - min(rates)) / figures["per_second"]}


def ratios(results: dict[str, Any], of: Callable[[dict[str, float]], float]) -> dict[str, float]:
    """Return Vestibule's figure as a multiple of each peer's."""
    ours = of(results["vestibule"])
    return {name: ours / of(result) for name, result in results.items() if name != "vestibule"}
