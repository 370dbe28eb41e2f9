"""One source of settings: the settings file, whatever starts Vestibule and from wherever."""

import os
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from processes import FLASK, PATIENCE, ROOT

from config import Config, ConfigError, kept_secret_key
from database.sqlite import SQLite
from parsing import read_settings_file

KEY = "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for item in fields(Config):
        monkeypatch.delenv(item.name, raising=False)
    for name in ("FLASK_SKIP_DOTENV", "FLASK_RUN_FROM_CLI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A settings file to write, named by VESTIBULE_ENV."""
    monkeypatch.setenv("VESTIBULE_ENV", str(tmp_path / "settings"))
    return tmp_path / "settings"


def load(content: str | bytes, file: Path) -> Config:
    """Return the settings of a file. It has the key that signs last, unless it has one itself."""
    content = content.encode() if isinstance(content, str) else content
    file.write_bytes(content)
    return Config.load(str(file.parent), {"SECRET_KEY": KEY})


def test_the_environment_wins_over_the_file_and_an_empty_value_is_not_given(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "8080")
    monkeypatch.setenv("SITE_NAME", "")
    config = load("PORT=7000\nSITE_NAME=Hall\nPROXY_HOPS=1\nHASH_QUEUE=\n", file)
    assert (config.PORT, config.SITE_NAME, config.PROXY_HOPS) == (8080, "Hall", 1)
    assert config.HASH_QUEUE == 40
    assert Config.load("", {"SECRET_KEY": KEY, "PROXY_HOPS": "2"}).PROXY_HOPS == 2


SECRET = r"p$w ${HOME}#x\n$(id) `id` %s"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("DATABASE_URL=sqlite:////srv/x.db", "sqlite:////srv/x.db"),
        ("DATABASE_URL='sqlite:////srv/x.db'", "sqlite:////srv/x.db"),
        ('DATABASE_URL="sqlite:////srv/x.db"', "sqlite:////srv/x.db"),
        ("export DATABASE_URL=sqlite:////srv/x.db", "sqlite:////srv/x.db"),
        ("  DATABASE_URL = sqlite:////srv/x.db  # where it is", "sqlite:////srv/x.db"),
        ("DATABASE_URL=sqlite:////srv/x#1$HOME.db", "sqlite:////srv/x#1$HOME.db"),
        (f"DATABASE_URL='postgresql://a:{SECRET}@b/c'", f"postgresql://a:{SECRET}@b/c"),
        ("DATABASE_URL='one'\nDATABASE_URL='two'", "two"),
        ("# DATABASE_URL=x\n\n#\nDATABASE_URL=ü€", "ü€"),
        ("DATABASE_URL=ü€\nPATH=/bin\nFLASK_DEBUG=1\nTEST_DATABASE_URL=x\nA='1\n2'", "ü€"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_value_arrives_as_it_was_written(
    file: Path, line: str, value: str, newline: str, mark: str
) -> None:
    content = (mark + line + "\n").replace("\n", newline)
    assert value == load(content, file).DATABASE_URL


@pytest.mark.parametrize(
    ("content", "number", "words"),
    [
        ("\n\nPORT 5000\n", 3, "not NAME='value'"),
        ("PORT=1\n\n\nPORT: 5000\n", 4, "not NAME='value'"),
        ("PORT\n", 1, "not NAME='value'"),
        ("A=1\nPORT:5000\n", 2, "not NAME='value'"),
        ("NOPE\n", 1, "not NAME='value'"),
        ("SITE_NAME='Hall\nPORT=5000\n", 1, "quote"),
        ("SITE_NAME='Hall\nPORT=5000'\n", 1, "quote"),
        ("=5000\n", 1, "not NAME='value'"),
        (b"PORT=1\n\nSITE_NAME=\xfcber\n", 3, "not UTF-8"),
        ("PORT=1\n".encode("utf-16"), 1, "not UTF-8"),
        ("SITE_NAME=a\0b\n", 1, "one line"),
        ("A=1\r\nDATABSE_URL=sqlite:///x\r\n", 2, "DATABSE_URL; perhaps DATABASE_URL"),
        ("database_url=sqlite:///x\n", 1, "perhaps DATABASE_URL"),
        ("PUBLICURL=x\n", 1, "perhaps PUBLIC_URL"),
    ],
)
def test_what_cannot_be_read_is_named_by_file_and_line(
    file: Path, content: str | bytes, number: int, words: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(content, file)
    assert str(refusal.value).startswith(f"{file}, line {number}: ")
    assert words in str(refusal.value)


def test_a_bad_value_names_its_key_and_its_place_and_shows_no_secret(file: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^PORT: .*\({file}, line 2\)$"):
        load("\nPORT=x\n", file)
    for name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        file.write_text(f"{name}='hunter2'\n")
        with pytest.raises(ConfigError, match=f"^{name}: ") as refusal:
            Config.load(str(file.parent))
        assert "hunter2" not in str(refusal.value)


def test_a_file_that_is_named_must_be_there(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "lost").symlink_to("nowhere")
    for name in ("missing", "lost", "", "missing/file"):
        monkeypatch.setenv("VESTIBULE_ENV", f"{tmp_path}/{name}")
        with pytest.raises(ConfigError, match=f"settings file {tmp_path}"):
            Config.load(str(tmp_path))
    assert [entry.name for entry in tmp_path.iterdir()] == ["lost"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the code with a settings file beside app.py."""
    folder = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "tests", "docs", "instance")
    shutil.copytree(ROOT, folder, ignore=ignored)
    folder.joinpath(".env").write_text(f"DATABASE_URL='sqlite:///{tmp_path}/right.db'\n")
    return folder


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; a variable that is empty is not there."""
    environment = {**os.environ, "VESTIBULE_ENV": "", "SECRET_KEY": KEY, **variables}
    return subprocess.run(
        arguments, cwd=folder, capture_output=True, text=True, timeout=PATIENCE, check=False,
        env={name: value for name, value in environment.items() if value},
    )  # fmt: skip


SERVER = "import migrations; from app import create_app; create_app(); migrations.upgrade()"


@pytest.mark.parametrize("start", ["flask", "another server"])
@pytest.mark.parametrize("there", ["checkout", "elsewhere"])
def test_the_file_beside_the_code_counts_wherever_a_command_is_started(
    checkout: Path, tmp_path: Path, start: str, there: str
) -> None:
    stray = tmp_path / "elsewhere"
    stray.mkdir()
    for name in (".env", ".flaskenv"):
        stray.joinpath(name).write_text(f"DATABASE_URL='sqlite:///{tmp_path}/wrong.db'\nPORT=x\n")
    arguments = [*FLASK, "db", "init"] if start == "flask" else [sys.executable, "-c", SERVER]
    app = f"{checkout}/app.py:create_app"
    done = run(tmp_path / there, *arguments, FLASK_APP=app, PYTHONPATH=str(checkout))
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["right.db"]


def test_what_stands_in_the_environment_wins_also_over_flasks_own_reading(
    checkout: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/given.db"
    app = f"{checkout}/app.py:create_app"
    done = run(checkout, *FLASK, "db", "init", FLASK_APP=app, DATABASE_URL=url)
    assert done.returncode == 0
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["given.db"]


def test_what_flask_took_from_elsewhere_is_gone_for_the_workers_too(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stray = tmp_path / "stray"
    stray.mkdir()
    (stray / ".env").write_text("PORT=9999\n")
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    monkeypatch.setenv("PORT", "9999")  # by flask
    monkeypatch.chdir(stray)
    assert load("PORT=7000\n", file).PORT == 7000
    monkeypatch.chdir(tmp_path)
    assert Config.load("", {"SECRET_KEY": KEY}).PORT == 7000


def test_a_command_reads_the_file_once(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    assert load("PORT=7000\n", file).PORT == 7000
    assert load("PORT=half edited", file).PORT == 7000  # when a crashed worker is replaced


def test_a_relative_name_is_relative_to_the_code(checkout: Path, tmp_path: Path) -> None:
    (checkout / "other.env").write_text(f"DATABASE_URL='sqlite:///{tmp_path}/other.db'\n")
    app = f"{checkout}/app.py:create_app"
    done = run(tmp_path, *FLASK, "db", "init", FLASK_APP=app, VESTIBULE_ENV="other.env")
    assert done.returncode == 0
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["other.db"]


@pytest.mark.parametrize("arguments", [["users", "list"], ["--help"], ["users", "--help"], ["x"]])
def test_a_command_shows_a_fault_of_the_file_in_one_line(
    tmp_path: Path, arguments: list[str]
) -> None:
    app = f"{ROOT}/app.py:create_app"
    command = [sys.executable, "-P", f"{ROOT}/cli/main.py", *arguments]
    done = run(tmp_path, *command, FLASK_APP=app, VESTIBULE_ENV="/nowhere/at/all")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: the settings file /nowhere/at/all does not exist\n"


def test_a_settings_file_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run this as a user who can read it"):
        read_settings_file(tmp_path, frozenset(), must_exist=True)


@pytest.mark.parametrize(
    ("variable", "line", "address"),
    [
        ("", "DATABASE_URL = 'postgresql://db/x' # here", "postgresql://db/x"),
        ("", "export DATABASE_URL=postgresql:///x", "postgresql:///x"),
        ("", "DATABASE_URL=sqlite:///postgres.db", "sqlite:///postgres.db"),
        ("", "# DATABASE_URL=postgresql:///x", ""),
        ("sqlite:///x.db", "DATABASE_URL=postgresql:///x", "sqlite:///x.db"),
    ],
)
def test_the_commands_in_bin_find_the_address_in_the_file(
    file: Path, variable: str, line: str, address: str
) -> None:
    file.write_text(f"PORT=1\n{line}\n")
    script = f"""root={ROOT}; . {ROOT}/bin/_venv; VENV={sys.prefix}
        is_ready() {{ false; }}; database_url"""
    done = run(file.parent, "sh", "-euc", script, VESTIBULE_ENV=str(file), DATABASE_URL=variable)
    assert (done.returncode, done.stderr, done.stdout.strip()) == (0, "", address)


@pytest.mark.database("sqlite")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_what_root_makes_belongs_to_the_owner_of_the_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 12345, 12345)
    script = f"""import migrations, app
        app.Flask.auto_find_instance_path = lambda _app: {str(home / "instance")!r}
        app.create_app(); migrations.upgrade()"""
    script = "\n".join(line.strip() for line in script.splitlines())
    done = run(ROOT, sys.executable, "-c", script, VESTIBULE_ENV="/dev/null", SECRET_KEY="")
    assert (done.returncode, done.stderr) == (0, "")
    made = [*home.rglob("*")]
    assert {"secret_key", "vestibule.db"} < {path.name for path in made}
    assert {path.stat().st_uid for path in made} == {12345}


@pytest.mark.database("sqlite")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_the_owner_of_the_folder_gets_no_other_file_of_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They put a link in place of each file as soon as root has made it."""
    secret, home = tmp_path / "secret", tmp_path / "home"
    secret.write_text("root's")
    home.mkdir()
    os.chown(home, 12345, 12345)

    def then_swap(make: Any) -> Any:
        def make_and_swap(*args: Any, **options: Any) -> Any:
            made = make(*args, **options)
            for name in {"vestibule.db", "secret_key"} & {file.name for file in home.iterdir()}:
                (home / name).unlink()
                (home / name).symlink_to(secret)
            return made

        return make_and_swap

    for name in ("open", "link"):
        monkeypatch.setattr(os, name, then_swap(getattr(os, name)))
    SQLite(str(home / "vestibule.db")).create_file()
    with pytest.raises(ConfigError):
        kept_secret_key(home)
    assert secret.stat().st_uid == 0
