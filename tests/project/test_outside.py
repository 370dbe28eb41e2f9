"""The application opens no connection and starts no program; the repository holds no secret."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import PASSWORD, Browser
from flask import Flask
from flask.testing import FlaskCliRunner
from processes import ROOT
from profile_pages import NEW_PASSWORD, change_password, change_username, delete_account

GOING_OUT = {
    "socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
    "socket.gethostbyname", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork",
}  # fmt: skip
PAGES = ["/", "/healthz", "/profile", "/profile/sessions", "/profile/activity", "/profile/export"]
COMMANDS = [
    "db init", "db status", "users list", "users show Jane", "users lock Jane", "users unlock Jane",
    "users rename Jane Lucy", "sessions list", "sessions end --user Lucy", "sessions prune",
    "users import-lucia tests/features/importing/data/lucia-prisma-dev.db", "doctor",
    "users delete Lucy --yes",
]  # fmt: skip

listeners: list[list[str]] = []


def hear(event: str, args: object) -> None:
    if event in GOING_OUT:
        for listener in listeners:
            listener.append(f"{event} {args}")


sys.addaudithook(hear)  # once: Python has no way to remove it


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """List what went out during a test."""
    listener: list[str] = []
    listeners.append(listener)
    yield listener
    listeners.remove(listener)


def test_people_and_operators_make_it_connect_nowhere_and_start_nothing(
    app: Flask, runner: FlaskCliRunner, monkeypatch: pytest.MonkeyPatch, heard: list[str]
) -> None:
    monkeypatch.chdir(ROOT)
    jane = Browser(app)
    assert jane.sign_up("Jane").status_code == 302
    assert [jane.get(path).status_code for path in PAGES] == [200] * len(PAGES)
    assert change_password(jane).status_code == 302
    assert change_username(jane, "Janet", NEW_PASSWORD).status_code == 302
    assert jane.log_out().status_code == 302
    assert jane.log_in("Janet", "wrong horse").status_code == 400
    assert jane.log_in("Janet", NEW_PASSWORD).status_code == 302
    assert delete_account(jane, "Janet", NEW_PASSWORD).status_code == 302
    jane.sign_up("Jane", PASSWORD)
    for command in COMMANDS:
        done = runner.invoke(args=command.split())
        assert done.exit_code == 0 or command == "doctor", done.output
    assert heard == []


def test_a_connection_and_a_program_are_heard(heard: list[str]) -> None:
    with socket.socket(socket.AF_UNIX) as out, pytest.raises(ConnectionRefusedError):
        out.connect("\0nobody listens here")
    subprocess.run(["true"], check=True)
    assert [event.split()[0] for event in heard][:2] == ["socket.connect", "subprocess.Popen"]


SECRETS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\bgh[opsu]_\w{36}|\bgithub_pat_\w{22}"
    r"|\bglpat-[\w-]{20}|\bxox[abprs]-[\w-]{10}|\bsk_live_\w{16}|\bpypi-AgEI\w{16}"
    r"|(?i:secret_key|password|token)\s*=\s*[\"']?[0-9a-f]{32,}\b"
)
SECRET_FILES = re.compile(r"(^|/)(instance/|\.env|secret_key$|id_[a-z0-9]+$)|\.(pem|key|p12|log)$")


def tracked() -> list[str]:
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return listed.stdout.decode().rstrip("\0").split("\0")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no repository")
def test_no_secret_is_in_the_repository() -> None:
    files = tracked()
    assert len(files) > 100
    assert [name for name in files if SECRET_FILES.search(name)] == []
    texts = {name: (ROOT / name).read_text(errors="replace") for name in files}
    found = {name: match[0] for name, text in texts.items() if (match := SECRETS.search(text))}
    assert found == {}


@pytest.mark.parametrize(
    "text",
    ["-----BEGIN RSA PRIVATE " + "KEY-----", "AKIA" + "Z" * 16, "ghp_" + "x" * 36,
     "SECRET_KEY=" + "0f" * 32],
)  # fmt: skip
def test_a_secret_is_found(text: str) -> None:
    assert SECRETS.search(f"key = '{text}'")
