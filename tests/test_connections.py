"""How many connections the server takes at once, so that it never runs out of file descriptors."""

import resource

import pytest

from cli import server

INFINITY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "raised", "taken"),
    [
        ((1024, 524_288), 3094, 1024),  # systemd's
        ((1024, 1024), 1024, 334),
        ((32, 32), 32, 3),
        ((8, 8), 8, 1),
        ((256, INFINITY), 3094, 1024),  # macOS's
        ((20_000, 20_000), 20_000, 1024),
        ((INFINITY, INFINITY), None, 1024),
    ],
)
def test_no_more_are_taken_than_there_are_file_numbers_for(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], raised: int | None, taken: int
) -> None:
    given = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limit: given.append(limit))
    assert server.connections() == taken
    assert given == ([] if raised is None else [(raised, limits[1])])
