"""On macOS everything works; on Windows everything but the server, which says so. Both are
simulated by hiding what they lack, since neither is at hand.
"""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PASSWORD
from processes import PATIENCE, ROOT, environment

pytestmark = pytest.mark.database("sqlite")

# Load what third-party libraries need from Linux before hiding it.
PRELUDE = """
import ctypes, os, select, signal, socket, sys
import click, flask, flask.cli, flask_wtf, jinja2, limits, passlib.hash, peewee
import playhouse.migrations, playhouse.schema_diff, playhouse.reflection
import regex, ua_parser, werkzeug.serving, wtforms
from passlib.context import CryptContext
CryptContext(["argon2"]).hash("x")
flask.Flask("x").test_client().get("/")

def refuse(*args):
    raise OSError("not on this system")

library = ctypes.CDLL
ctypes.CDLL = lambda name, *rest: refuse() if name is None else library(name, *rest)
del os.sched_getaffinity
os.setpriority = os.getpriority = refuse
"""
DARWIN = """
sys.platform = "darwin"
"""
WINDOWS = """
sys.platform = "win32"
for name in ("resource", "fcntl"):
    sys.modules[name] = None
del os.fork, select.poll, select.PIPE_BUF, signal.SIGKILL, os.O_DIRECTORY
true_select, true_os_open = select.select, os.open

def sockets_only(read, write, error, timeout=None):
    for each in (*read, *write):
        socket.socket(fileno=os.dup(each if isinstance(each, int) else each.fileno())).close()
    return true_select(read, write, error, timeout)

def files_only(path, *rest, **options):
    if os.path.isdir(path):
        raise PermissionError(13, "Permission denied")
    return true_os_open(path, *rest, **options)

select.select, os.open = sockets_only, files_only
"""
COMMAND = """
from flask.cli import main
sys.argv = ["flask", *sys.argv[1:]]
main()
"""
PAGES = """
sys.path.insert(0, "tests")
import migrations
from app import create_app
app = create_app()
migrations.upgrade()
from conftest import Browser
browser = Browser(app)
print([browser.sign_up("Jane").status_code, browser.log_out().status_code,
       browser.log_in("Jane", "wrong").status_code, browser.log_in("Jane").status_code]
      + [browser.get(path).status_code for path in ("/", "/profile", "/profile/sessions",
         "/profile/password", "/profile/delete", "/healthz", "/nowhere")])
"""
SYSTEMS = pytest.mark.parametrize("system", [DARWIN, WINDOWS], ids=["macOS", "Windows"])


def play(
    system: str, code: str, settings: dict[str, str], *args: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + system + code, *args],
        input=PASSWORD, env=environment(settings), cwd=ROOT, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


@SYSTEMS
def test_no_page_is_a_500(settings: dict[str, str], system: str) -> None:
    done = play(system, PAGES, settings)
    assert done.stdout.strip() == str([302, 302, 400, 302, 200, 200, 200, 200, 200, 200, 404]), (
        done.stderr
    )
    assert '"authn_login_success"' in done.stderr, "the log is written"


@SYSTEMS
def test_the_commands_work(settings: dict[str, str], system: str, tmp_path: Path) -> None:
    copy = str(tmp_path / "copy.db")
    for args, words in [
        (("db", "init"), "made"),
        (("db", "status"), "The tables are as in models.py."),
        (("users", "create", "Jane", "--password-stdin"), "Created Jane"),
        (("users", "list"), "Jane"),
        (("sessions", "list"), "HANDLE"),
        (("db", "backup", copy), "Wrote"),
        (("doctor", "--json"), "hash time"),
    ]:
        done = play(system, COMMAND, settings, *args)
        where = f"Database: {settings['DATABASE_URL'].removeprefix('sqlite:///')}\n"
        assert (done.returncode, done.stderr) == (0, where if "create" in args else ""), args
        assert words in done.stdout, args


def test_on_windows_serve_says_what_to_do(settings: dict[str, str]) -> None:
    done = play(WINDOWS, COMMAND, settings, "serve")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert "flask serve --dev" in done.stderr
