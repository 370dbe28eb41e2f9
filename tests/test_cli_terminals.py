"""Output to whatever is there: another encoding, a closed or full output, a pager left open."""

import io
import json
import subprocess

import pytest
from commands import CONTROL, HOSTILE
from conftest import PASSWORD, on_sqlite, sql
from flask import Flask
from processes import FLASK, PATIENCE, ROOT, environment, wait_until
from terminal import terminal

from accounts import users
from accounts.actor import OPERATOR, Actor
from cli.output import columns, fill, print_rows, printable
from database import database

NAMES = ["Zoë", "東京の人", "Дмит", "שלום", HOSTILE]


@pytest.fixture
def people(app: Flask) -> None:
    """Users with all kinds of names, one of them logged in."""
    users.sign_up("Jane", PASSWORD, Actor("192.0.2.1", f"Browser 東京 {HOSTILE}"))
    for number, name in enumerate(NAMES):
        sql("INSERT INTO user (id, username, created_at) VALUES (?, ?, 1)", (f"id{number}", name))


def shell(
    settings: dict[str, str], line: str, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which "flask" is the command."""
    return subprocess.run(
        ["sh", "-c", f'flask() {{ "$0" -m flask "$@"; }}; {line}', *FLASK[:1]],
        env={**environment(settings), **variables}, cwd=ROOT,
        capture_output=True, timeout=PATIENCE, check=False, start_new_session=True,
    )  # fmt: skip


LISTS = "flask users list; flask sessions list; flask users show id:id1; flask users list --csv"


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437", "shift_jis", "utf-8"])
def test_every_encoding_is_written_as_it_is(settings: dict[str, str], encoding: str) -> None:
    done = shell(settings, LISTS, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    shown = {name: name.encode(encoding, "backslashreplace").decode(encoding) for name in NAMES}
    for name in NAMES[:4]:
        assert text.count(shown[name]) >= 2
    lines = text.partition("HANDLE")[0].splitlines()
    assert len({columns(line.partition(" id")[0]) for line in lines[2:6]}) == 1, "aligned"
    assert not CONTROL.search(text.partition("id,username")[0])


@pytest.mark.usefixtures("people")
def test_the_c_locale_has_no_traceback(settings: dict[str, str]) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell(
        settings, "flask users list; flask users show 東京の人; flask users lock 東", **plain
    )
    assert b"Traceback" not in done.stderr


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    "args",
    ["users list", "users list --json", "users list --csv", "users show Jane",
     "users activity Jane", "sessions list", "db status", "users lock Jane"],
)  # fmt: skip
def test_an_output_that_takes_nothing_is_one_line(settings: dict[str, str], args: str) -> None:
    for target, why in (("/dev/full", b"No space left on device"), ("&-", b"no standard output")):
        done = shell(settings, f"flask {args} >{target}")
        assert (done.returncode, done.stdout) == (1, b"")
        lines = [line for line in done.stderr.splitlines() if b"Database: " not in line]
        assert len(lines) == 1, lines
        assert lines[0].startswith(b"Error: ")
        assert why in lines[0]


@pytest.mark.usefixtures("people")
def test_a_closed_pipe_is_silent(settings: dict[str, str]) -> None:
    for args in ("users list", "users list --json", "sessions list"):
        done = shell(settings, f"flask {args} | head -c 1 >/dev/null")
        assert done.stderr == b""


@pytest.mark.usefixtures("people")
def test_closed_errors_do_not_hide_the_exit_code(settings: dict[str, str]) -> None:
    assert shell(settings, "flask users show Nobody 2>&-").returncode == 1
    assert shell(settings, "flask users shw Nobody 2>&-").returncode == 2


@pytest.mark.usefixtures("people")
def test_a_narrow_terminal_cuts_and_keeps_directions_apart(settings: dict[str, str]) -> None:
    with terminal(settings, "users", "list", columns=60) as screen:
        screen.wait_for(b"6 users")
    lines = screen.shown.decode().splitlines()
    assert max(map(columns, lines)) <= 60
    (hebrew,) = [line for line in lines if "שלום" in line]
    assert "\u2068שלום\u2069" in hebrew


def test_a_pager_that_is_left_open_holds_no_transaction(
    app: Flask, settings: dict[str, str]
) -> None:
    sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
        "INSERT INTO user (id, username, created_at) SELECT 'id' || i, 'User' || i, i FROM n"
    )
    sql(
        "INSERT INTO session SELECT CAST(substr(id || '0123456789012345678901234567890123456789', "
        "1, 32) AS BLOB), id, 4000000000000, 1, 1, 1, 4000000000000, '', '' FROM user"
        if on_sqlite()
        else "INSERT INTO session SELECT sha256(id::bytea), id, 4000000000000, 1, 1, 1, "
        "4000000000000, '', '' FROM \"user\""
    )
    for args in (["users", "list"], ["users", "list", "--json", "--search", "ser", "--limit=9999"],
                 ["users", "list", "--sort", "name", "--csv"], ["sessions", "list"]):  # fmt: skip
        process = subprocess.Popen(
            [*FLASK, *args], env=environment(settings), cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stdout.readline()
            assert wait_until(lambda: is_free(settings)), args
            assert process.poll() is None
            rest = process.stdout.read()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.communicate()
        assert rest.count(b"\n") >= 9999


def is_free(settings: dict[str, str]) -> bool:
    """Whether no other process holds a transaction. A change first: it must reach the file too."""
    users.delete_user(users.create_user("Passing", PASSWORD, OPERATOR), OPERATOR)
    if on_sqlite():
        busy, *_ = database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return busy == 0
    idle = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE '%in transaction%'"
    others = f"{idle} AND datname = current_database() AND pid != pg_backend_pid()"
    return database.execute_sql(others.replace("%", "%%")).fetchone()[0] == 0


def test_lists_of_any_length_take_the_same_memory(app: Flask, settings: dict[str, str]) -> None:
    used = []
    for number in (1000, 100_000):
        sql("DELETE FROM user")
        sql(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number}) "
            "INSERT INTO user (id, username, created_at) SELECT 'id' || i, 'User' || i, i FROM n"
        )
        measured = (
            "import resource, runpy, sys; sys.argv[0] = 'flask'\n"
            "try: runpy.run_module('flask', run_name='__main__')\n"
            "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
        )
        done = subprocess.run(
            [*FLASK[:1], "-c", measured, "users", "list", "--json", "--search", "user"],
            env=environment(settings), cwd=ROOT, capture_output=True, check=True,
        )  # fmt: skip
        assert len(json.loads(done.stdout)) == number
        used.append(int(done.stderr.split()[-1]))
    assert used[1] - used[0] < 12_000, used  # KiB; the list itself has 10 MB


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("ภาษา", 4),
        ("한국", 4),
        ("\u1112\u1161\u11ab", 2),
        ("❤\ufe0f", 1),
        ("a\u20dd", 1),
    ],
)
def test_marks_and_decomposed_letters_take_no_place_of_their_own(text: str, places: int) -> None:
    assert columns(text) == places


def test_a_cut_is_marked_with_what_the_terminal_has(monkeypatch) -> None:
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert fill("abcdef", 4, cut=True) == "abc~"
    assert printable("東\x1b") == "\\u6771\\x1b"


def test_a_full_temporary_folder_is_one_line(capsys, monkeypatch) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.SpooledTemporaryFile.writelines", full)
    with pytest.raises(Exception, match="No space left on device"):
        print_rows([{"a": 1}], {"a": 3}, as_json=False)
