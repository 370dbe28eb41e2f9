"""docs/operating.md shows what the commands really print. To write it anew after a change:
WRITE_DOCS=1 bin/test tests/test_operating.py
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CHEAP_ARGON2, NO_LIMITS, PASSWORD
from flask import Flask
from lucia import DATABASE
from processes import ROOT

from accounts import passwords, users
from accounts.client import Client
from app import create_app
from database import database
from models import Session

PAGE = ROOT / "docs/operating.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
LAPTOP, PHONE = "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (iPhone)"
HANDLE = r"\b[0-9a-f]{12}\b"
# What is another one each time.
VARYING = [
    (HANDLE, "0" * 12),
    (r"\b(?=[a-z]*[0-9])[a-z0-9]{15}\b", "0" * 15),  # ids
    (r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "2026-11-23T11:54:00Z"),
    (r"made \(.*\)|newest: \w+", "migrations"),
    (r"\d+ ms|\d+\.\d MB", "some"),
]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An installation without a database, its instance folder in tmp_path."""
    folder = str(tmp_path / "instance")
    monkeypatch.setattr(passwords, "ARGON2", CHEAP_ARGON2)
    monkeypatch.setattr("flask.Flask.auto_find_instance_path", lambda _app: folder)
    yield create_app({**NO_LIMITS, "SECRET_KEY": "", "DATABASE_URL": "sqlite:///vestibule.db"})
    database.close_all()


def play(page: str, app: Flask, folder: Path) -> str:
    """Return the page with what its commands print now."""

    def block(match: re.Match[str]) -> str:
        commands = [line[2:] for line in match[1].splitlines() if line.startswith("$ ")]
        return f"```console\n{''.join(run(command) for command in commands)}```"

    def run(line: str) -> str:
        if line.startswith("flask sessions list"):
            users.log_in("Jane", PASSWORD, Client("192.0.2.1", PHONE))
            users.log_in("Jane", PASSWORD, Client("192.0.2.2", LAPTOP))
        if line.startswith("flask sessions end"):
            session = Session.get(Session.user_agent == LAPTOP)
            line = re.sub(f"HANDLE|{HANDLE}", session.handle, line)
        command = line.rpartition("| ")[2]
        real = [
            word.replace("prisma/dev.db", str(DATABASE)).replace("/var/backups", str(folder))
            for word in command.split()[1:]
        ]
        result = app.test_cli_runner().invoke(args=real, input=f"{PASSWORD}\n")
        output = result.output.replace(f"{folder}/instance", "/srv/vestibule/instance")
        return f"$ {line}\n{output.replace(str(folder), '/var/backups')}"

    return BLOCK.sub(block, page)


def without_what_varies(page: str) -> str:
    for pattern, instead in VARYING:
        page = re.sub(pattern, instead, page)
    return page


def test_the_page_shows_what_the_commands_print(installed: Flask, tmp_path: Path) -> None:
    page = PAGE.read_text()
    played = play(page, installed, tmp_path)
    if os.environ.get("WRITE_DOCS"):
        PAGE.write_text(played)
        return
    assert without_what_varies(played) == without_what_varies(page)
    assert played.count("\n$ ") > 15
