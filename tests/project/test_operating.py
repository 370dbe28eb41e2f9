"""The pages in docs/ show what the commands really print. To update them after a change:
WRITE_DOCS=1 bin/test tests/project/test_operating.py
"""

import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CHEAP_ARGON2, NO_LIMITS, PASSWORD, SECRET_KEY
from flask import Flask
from processes import ROOT

import migrations
from accounts import passwords, users
from accounts.actor import Actor
from app import create_app
from cli.doctor import files
from database import database
from features.invitations.rules import list_invitations
from models import Session

PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if "```console" in page.read_text()]
LUCIA = ROOT / "tests/features/importing/data/lucia-prisma-dev.db"
BACKUPS = "/var/backups/vestibule"
FOLDERS = {"/etc/vestibule": "etc", "/var/lib/vestibule": "lib", BACKUPS: "backups"}
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
LAPTOP, PHONE = "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone)"
REAL_HASH = "27 ms"  # not that of the tests
HANDLE = r"\b[0-9a-f]{12}\b"
# What differs each time.
VARYING = [
    (HANDLE, "0" * 12),
    (r"\b(?=[a-z]*[0-9])[a-z0-9]{15}\b", "0" * 15),  # ids
    (r"((?:\bid|\n)[: ]+)[a-z]{15}\b", r"\g<1>" + "0" * 15),  # one in a hundred has no digit
    (r"/(invitation|reset)/[\w-]{43}", r"/\1/TOKEN"),
    (r"until \d+ \w+ 20\d\d, \d\d:\d\d UTC", "until some day"),
    (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-11-23T11:54:00Z"),
    (r"\d+\.\d MB", "some"),
    (r"[\d.]+, Python [\d.]+, SQLite [\d.]+", "versions"),
    (r"[\d,]+ MiB free", "room"),
]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """What operating.md deploys, without a database; its folders are in tmp_path."""
    for folder in FOLDERS.values():
        (tmp_path / folder).mkdir(mode=0o700)
    monkeypatch.setattr(passwords, "ARGON2", CHEAP_ARGON2)
    monkeypatch.setattr(files, "MOUNTS", tmp_path / "none")  # this may be a container
    settings = {
        "PUBLIC_URL": "https://accounts.example.org",
        "PROXY_HOPS": "1",
        "DATABASE_URL": f"sqlite:///{tmp_path}/lib/vestibule.db",
        "SECRET_KEY": SECRET_KEY,
    }
    app = create_app({**NO_LIMITS, **settings})
    app.instance_path = f"{tmp_path}/lib"
    app.config["SETTINGS_FILE"] = tmp_path / "etc/environment"
    app.config["SETTINGS_FILE"].touch(0o600)
    yield app
    database.close_all()


def play(page: str, app: Flask, folder: Path) -> str:
    """Return the page with what its commands print now."""

    def block(match: re.Match[str]) -> str:
        commands = [line[2:] for line in match[1].splitlines() if line.startswith("$ ")]
        return f"```console\n{''.join(run(command) for command in commands)}```"

    def run(line: str) -> str:
        if line.startswith("flask sessions list"):
            users.log_in("Jane", PASSWORD, Actor("192.0.2.1", PHONE))
            users.log_in("Jane", PASSWORD, Actor("192.0.2.2", LAPTOP))
        if line.startswith("flask sessions end"):
            session = Session.get(Session.user_agent == LAPTOP)
            line = re.sub(f"HANDLE|{HANDLE}", session.handle, line)
        if line.startswith("flask invitations revoke"):
            newest = list_invitations().first()
            line = re.sub(f"ID|{HANDLE}", newest.handle, line)
        command = line.rpartition("| ")[2]
        real = [
            word.replace("prisma/dev.db", str(LUCIA)).replace(BACKUPS, f"{folder}/backups")
            for word in shlex.split(command)[1:]
        ]
        result = app.test_cli_runner().invoke(args=real, input=f"{PASSWORD}\n")
        output = re.sub(r"\b\d+ ms\b", REAL_HASH, result.output)
        for there, here in FOLDERS.items():
            output = output.replace(f"{folder}/{here}", there)
        return f"$ {line}\n{output}"

    return BLOCK.sub(block, page)


def without_what_varies(page: str) -> str:
    for pattern, instead in VARYING:
        page = re.sub(pattern, instead, page)
    return page


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_shows_what_the_commands_print(installed: Flask, tmp_path: Path, path: Path) -> None:
    page = path.read_text()
    if "$ flask db init" not in page:
        migrations.upgrade()
    played = play(page, installed, tmp_path)
    if os.environ.get("WRITE_DOCS"):
        path.write_text(played)
        return
    assert without_what_varies(played) == without_what_varies(page)
    assert played.count("\n$ ") >= 3
