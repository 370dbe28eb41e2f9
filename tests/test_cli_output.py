import os

import pytest

from cli.output import cell, columns, exact, fill, fitted, print_rows
from models import now

ROWS = [{"name": "n" * 30, "note": "o" * 50, "size": 7}]
WIDTHS = {"name": 31, "note": 30, "size": 4}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (30, "just now"),
        (-30, "just now"),  # from a clock that is slightly ahead
        (60, "1 minute ago"),
        (60 * 59, "59 minutes ago"),
        (3600, "1 hour ago"),
        (3600 * 23, "23 hours ago"),
        (86_400, "1 day ago"),
        (86_400 * 29, "29 days ago"),
    ],
)
def test_a_time_is_told_as_people_do(seconds: int, words: str) -> None:
    assert cell("created_at", now() - seconds * 1000 - 1) == words


@pytest.mark.parametrize("seconds", [86_400 * 31, -86_400, 86_400 * 5000])
def test_a_time_long_ago_or_yet_to_come_is_a_day(seconds: int) -> None:
    moment = now() - seconds * 1000
    assert cell("created_at", moment) == exact("created_at", moment)[:10]


@pytest.mark.parametrize("moment", [10**18, -(10**18), 2**63 - 1, -(2**63)])
def test_a_time_beyond_every_calendar_does_not_hide_the_others(
    capsys: pytest.CaptureFixture[str], moment: int
) -> None:
    rows = [{"created_at": moment}, {"created_at": 0}, {"created_at": None}]
    print_rows(rows, {"created_at": 22}, as_json=False)
    print_rows(rows, {}, as_json=True)
    assert capsys.readouterr().out.splitlines() == [
        "CREATED", f"{moment} ms", "1970-01-01", "-", "[", f'  {{"created_at": "{moment} ms"}},',
        '  {"created_at": "1970-01-01T00:00:00Z"},', '  {"created_at": null}', "]",
    ]  # fmt: skip


def printed(capsys: pytest.CaptureFixture[str], monkeypatch, terminal: int | None) -> str:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal is not None)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((terminal or 0, 24)))
    print_rows(ROWS, WIDTHS, as_json=False)
    return capsys.readouterr().out


def test_nothing_is_cut_in_a_pipe(capsys, monkeypatch) -> None:
    output = printed(capsys, monkeypatch, None)
    assert "n" * 30 in output
    assert "o" * 50 in output


@pytest.mark.parametrize("terminal", [40, 60, 69, 70, 200])
def test_a_table_fits_the_terminal(capsys, monkeypatch, terminal: int) -> None:
    lines = printed(capsys, monkeypatch, terminal).splitlines()
    assert max(map(len, lines)) <= terminal
    assert lines[1].endswith("7")
    assert "…" in lines[1]


def test_the_widest_columns_give_way_first_and_none_vanishes() -> None:
    assert fitted(WIDTHS, 1000) == WIDTHS
    assert fitted(WIDTHS, 49) == {"name": 20, "note": 21, "size": 4}
    assert fitted(WIDTHS, 1) == {"name": 8, "note": 8, "size": 4}


@pytest.mark.parametrize(
    ("text", "places"), [("Jane", 4), ("東京", 4), ("Zoe\u0308", 3), ("ｊ", 2), ("", 0)]
)
def test_letters_take_the_places_they_take_on_a_terminal(text: str, places: int) -> None:
    assert columns(text) == places
    assert columns(fill(text, 6, cut=True)) == 6


def test_a_cut_text_says_so() -> None:
    assert fill("abcdef", 4, cut=True) == "abc…"
    assert fill("abcdef", 4, cut=False) == "abcdef"
    assert fill("東京都", 4, cut=True) == "東… "
