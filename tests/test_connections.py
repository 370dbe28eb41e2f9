"""How many connections the server takes at once, so that it never runs out of file descriptors."""

import resource

import click
import pytest

from cli import server

INFINITY = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "raised", "taken"),
    [
        ((1024, 524_288), 3094, 1024),  # systemd's
        ((1024, 1024), 1024, 334),
        ((32, 32), 32, 3),
        ((25, 25), 25, 1),
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


def test_with_too_few_it_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """granian would end in a panic, after it has said where it is."""
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (24, 24))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, _limit: None)
    with pytest.raises(click.ClickException, match=r"only 24 files: raise the limit .* to 25"):
        server.connections()
