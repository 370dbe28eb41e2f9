import os
import subprocess
import sys
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import pytest
from limits import parse_many
from processes import PATIENCE, ROOT, flask

from app import Settings, create_app
from config import RESERVED, Config, ConfigError, kept_secret_key
from cores import available_cores

GOOD_KEY = "0123456789abcdef" * 4
OTHER_KEY = "fedcba9876543210" * 4
DEFAULTS = {
    "HOST": "127.0.0.1",
    "PORT": 5000,
    "PUBLIC_URL": "",
    "PROXY_HOPS": 0,
    "SITE_NAME": Config.__dataclass_fields__["SITE_NAME"].metadata["default"],  # yours
    "DATABASE_URL": "sqlite:///vestibule.db",
    "SECRET_KEY_FALLBACKS": [],
    "SESSION_ACTIVE_PERIOD": timedelta(days=1),
    "SESSION_IDLE_PERIOD": timedelta(days=14),
    "SESSION_MAX_AGE": timedelta(days=90),
    "SESSIONS_PER_USER": 100,
    "SESSION_COOKIE_NAME": "auth_session",
    "RESERVED_USERNAMES": tuple(RESERVED.split(",")),
    "PASSWORD_COMMON": "warn",
    "LIMIT_LOGIN_ACCOUNT": parse_many("5/minute;30/hour;100/day"),
    "LIMIT_LOGIN_KNOWN_BROWSER": parse_many("5/minute;30/hour;100/day"),
    "LIMIT_LOGIN_ADDRESS": parse_many("20 per 10 minutes"),
    "LIMIT_SIGNUP_ADDRESS": parse_many("10/hour"),
    "EVENT_RETENTION": timedelta(days=365),
    "HASH_THREADS": min(available_cores(), 256),
    "HASH_QUEUE": 40,
}


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for item in fields(Config):
        monkeypatch.delenv(item.name, raising=False)


def load(folder: Path, **given: str) -> Config:
    return Config.load(str(folder), {"SECRET_KEY": GOOD_KEY, **given})


def test_every_promised_setting_exists_and_no_other() -> None:
    assert {item.name for item in fields(Config)} == {"SECRET_KEY", *DEFAULTS}


def test_features_add_settings_that_are_read_like_the_hall_s_own() -> None:
    assert [item.name for item in fields(Settings)[: len(fields(Config))]] == [
        item.name for item in fields(Config)
    ]
    assert issubclass(Settings, Config)


def test_every_setting_gives_a_reason() -> None:
    for item in fields(Settings):
        assert len(item.metadata["reason"]) > 10, item.name


@pytest.mark.parametrize(("name", "value"), DEFAULTS.items())
def test_a_setting_has_its_default_when_not_given_or_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    assert getattr(load(tmp_path), name) == value
    monkeypatch.setenv(name, "")
    assert getattr(load(tmp_path), name) == value


GOOD = [
    ("HOST", "0.0.0.0", "0.0.0.0"),
    ("HOST", "::1", "::1"),
    ("HOST", "localhost", "localhost"),
    ("PORT", "1", 1),
    ("PORT", "65535", 65535),
    ("PUBLIC_URL", "https://accounts.example.org", "https://accounts.example.org"),
    ("PUBLIC_URL", "HTTPS://Accounts.Example.org/", "https://accounts.example.org"),
    ("PUBLIC_URL", "https://example.org:8443", "https://example.org:8443"),
    ("PUBLIC_URL", "http://[::1]:5000", "http://[::1]:5000"),
    ("PROXY_HOPS", "2", 2),
    ("SITE_NAME", "Über uns & Co", "Über uns & Co"),
    ("LIMIT_SIGNUP_ADDRESS", "3 per 2 hours", parse_many("3 per 2 hours")),
    ("EVENT_RETENTION", "30 d", timedelta(days=30)),
    ("DATABASE_URL", "sqlite:////srv/x.db", "sqlite:////srv/x.db"),
    ("SECRET_KEY", "k" * 22 + "0123456789", "k" * 22 + "0123456789"),
    ("SECRET_KEY_FALLBACKS", f"{GOOD_KEY}, {OTHER_KEY},", [GOOD_KEY, OTHER_KEY]),
    ("SESSION_ACTIVE_PERIOD", "90 s", timedelta(seconds=90)),
    ("SESSION_ACTIVE_PERIOD", "90s", timedelta(seconds=90)),
    ("SESSION_IDLE_PERIOD", "15 m", timedelta(minutes=15)),
    ("SESSION_IDLE_PERIOD", "24 h", timedelta(hours=24)),
    ("SESSION_MAX_AGE", "365 d", timedelta(days=365)),
    ("SESSIONS_PER_USER", "1", 1),
    ("SESSION_COOKIE_NAME", "auth_session_two", "auth_session_two"),
    ("SESSION_COOKIE_NAME", "my.app-2", "my.app-2"),
    ("RESERVED_USERNAMES", "admin, root ,,Support", ("admin", "root", "Support")),
    ("RESERVED_USERNAMES", "off", ()),
    *[
        (f"LIMIT_{name}", "off", ())
        for name in ("LOGIN_ACCOUNT", "LOGIN_KNOWN_BROWSER", "LOGIN_ADDRESS", "SIGNUP_ADDRESS")
    ],
    ("LIMIT_SIGNUP_ADDRESS", "Off", ()),
    ("LIMIT_SIGNUP_ADDRESS", "100/31 days", parse_many("100/31 days")),
    ("PUBLIC_URL", "https://[2001:DB8:0::1]", "https://[2001:db8::1]"),
    ("PUBLIC_URL", "https://xn--mller-kva.example", "https://xn--mller-kva.example"),
    ("SITE_NAME", "👩\u200d🚀 Club", "👩\u200d🚀 Club"),
    ("SITE_NAME", "می\u200cخواهم", "می\u200cخواهم"),
    ("EVENT_RETENTION", "3650 d", timedelta(days=3650)),
    ("HASH_THREADS", "4", 4),
    ("HASH_QUEUE", "0", 0),
    ("PASSWORD_COMMON", "refuse", "refuse"),
]


@pytest.mark.parametrize(("name", "given", "value"), GOOD)
def test_a_good_value_is_read_from_the_environment_and_arguments_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, given: str, value: object
) -> None:
    if name != "SECRET_KEY":
        monkeypatch.setenv("SECRET_KEY", OTHER_KEY)
    monkeypatch.setenv(name, given)
    assert getattr(Config.load(str(tmp_path)), name) == value
    monkeypatch.setenv(name, "nonsense")
    assert getattr(Config.load(str(tmp_path), {name: given}), name) == value


NO_NUMBER = ["x", "-1", "1.5", "1e3", " 1", "1 ", "1_000", "٣", "0x10", "9" * 100, "1\n"]
NO_PERIOD = ["x", "0 d", "-1 d", "1", "1 w", "1.5 h", "1  d", "d", "1 D", "1d2h", "٣ d", "1 d\n",
             "0 s", "3651 d", "999999999 d"]  # fmt: skip
NO_LIMIT = ["x", "5", "0/minute", "-1/minute", "5/0 minutes", "5/0minutes", "5 per 00minutes",
            "5/minute;0/hour", "1000001/second", "5/32 days", "5/year", "5/99999999999999 years",
            "5/minute;6/minute", "5/60 seconds;6/minute", "5/minute;", "no",
            "off;5/minute"]  # fmt: skip
BAD = {
    "HOST": ["example.org", "127.0.0.1:80", "[::1]", "256.0.0.1", "*"],
    "PORT": [*NO_NUMBER, "0", "65536"],
    "PUBLIC_URL": [
        "example.org",
        "//example.org",
        "ftp://example.org",
        "https://",
        "https:///path",
        "https://[:::::]",
        "https://[1:2]",
        "https://a..b",
        "https://-a.b",
        "https://a-.b",
        f"https://{'a' * 64}.b",
        f"https://{'a.' * 127}b",
        "https://256.1.1.1",
        "https://1.2.3",
        "https://müller.example",
        "https://example.org/path",
        "https://example.org/?query",
        "https://example.org#part",
        "https://[::1",
        "https://jane@example.org",
        "https://:password@example.org",
        "https://@example.org",
        "https://example.org:port",
        "https://example.org:99999",
        "https://exa mple.org",
        "https://example.org\\path",
        "https://one.example.org,two.example.org",
        "on",
    ],
    "PROXY_HOPS": [*NO_NUMBER, "10"],
    "SITE_NAME": ["\u200d", "a\u202eb", "a\u00a0b", "x" * 41, "   ", "two\nlines", "bell\a"],
    "SECRET_KEY": ["short", "0123456789" * 3, "a" * 64, "ab" * 32, "x" * 31],
    "SECRET_KEY_FALLBACKS": ["short", f"{GOOD_KEY},short", "a" * 64],
    "SESSION_ACTIVE_PERIOD": NO_PERIOD,
    "SESSION_IDLE_PERIOD": NO_PERIOD,
    "SESSION_MAX_AGE": [*NO_PERIOD, "401 d", "9999 d", "9601 h"],
    "EVENT_RETENTION": NO_PERIOD,
    "RESERVED_USERNAMES": ["admin root", "admin;root", "a, b c"],
    "LIMIT_LOGIN_ACCOUNT": NO_LIMIT,
    "LIMIT_LOGIN_KNOWN_BROWSER": NO_LIMIT,
    "LIMIT_LOGIN_ADDRESS": NO_LIMIT,
    "LIMIT_SIGNUP_ADDRESS": NO_LIMIT,
    "SESSION_COOKIE_NAME": ["a b", "a;b", "a=b", "a,b", "é", "a\n", "__Host-a", "__host-a", "a/b"],
    "SESSIONS_PER_USER": [*NO_NUMBER, "0", "10001"],
    "HASH_THREADS": [*NO_NUMBER, "0", "257"],
    "PASSWORD_COMMON": ["no", "Warn", "warn,refuse"],
    "HASH_QUEUE": [*NO_NUMBER, "1001"],
}


@pytest.mark.parametrize(
    ("name", "given"), [(name, given) for name, values in BAD.items() for given in values]
)
def test_b152_b159_a_bad_value_stops_the_start_and_names_its_key(
    tmp_path: Path, name: str, given: str
) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: ") as refusal:
        load(tmp_path, **{name: given})
    if "KEY" in name:
        assert given not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("HOST", "foo", "0.0.0.0 (all)"),
        ("PUBLIC_URL", "https://[:::::]", "https://accounts.example.org"),
        ("PUBLIC_URL", "https://müller.example", "xn--"),
        ("SITE_NAME", "two\nlines", "one line of 1 to 40"),
        ("SESSION_MAX_AGE", "9999 d", "up to 400 d"),
        ("LIMIT_SIGNUP_ADDRESS", "0/minute", '"off" for no limit'),
        ("LIMIT_SIGNUP_ADDRESS", "none", 'or "off"'),
        ("RESERVED_USERNAMES", "admin root", "commas"),
        ("SECRET_KEY", "short", "python3 -c"),
        ("SECRET_KEY_FALLBACKS", f"{GOOD_KEY},short", "key 2 of 2 must have at least 32 bytes"),
        ("SECRET_KEY_FALLBACKS", f"{'a' * 64}, {GOOD_KEY}", "key 1 of 2 is well known"),
    ],
)
def test_a_refusal_says_what_to_do(tmp_path: Path, name: str, given: str, words: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load(tmp_path, **{name: given})
    assert words in str(refusal.value)


@pytest.mark.parametrize("name", ["SESSION_ACTIVE_PERIOD", "SESSION_IDLE_PERIOD"])
def test_periods_that_contradict_each_other_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name}: longer than SESSION_MAX_AGE"):
        load(tmp_path, **{name: "91 d"})
    with pytest.raises(ConfigError, match=f"^{name}: longer than SESSION_MAX_AGE"):
        load(tmp_path, **{name: "2 d", "SESSION_MAX_AGE": "1 d"})
    assert timedelta(days=90) == load(tmp_path, **{name: "90 d"}).SESSION_MAX_AGE
    assert timedelta(hours=1) == load(tmp_path, SESSION_MAX_AGE="1 h").SESSION_MAX_AGE


@pytest.mark.parametrize(
    "url",
    ["vestibule.db", "sqlite:vestibule.db", "sqlite://", "sqlite:///", "sqlite:///:memory:",
     "mysql:///x", "/srv/vestibule.db", "SQLITE:///x.db"],
)  # fmt: skip
def test_a_database_that_cannot_be_used_names_its_key(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^DATABASE_URL: "):
        create_app({"SECRET_KEY": GOOD_KEY, "DATABASE_URL": url})


@pytest.mark.parametrize(
    "key",
    [
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",  # Flask's documentation
        "change-me-0123456789-0123456789-0123456789",
        "CHANGE ME 0123456789 0123456789 0123456789",
        "my secret key 0123456789 0123456789 0123456789",
        "your-secret-0123456789-0123456789-0123456789",
    ],
)
def test_b152_a_well_known_key_is_refused_also_as_a_fallback(tmp_path: Path, key: str) -> None:
    for name in ("SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        with pytest.raises(ConfigError, match=f"^{name}: .*well known"):
            load(tmp_path, **{name: key})


def test_b151_a_secret_key_is_made_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "instance"
    before = os.umask(0)
    try:
        first = Config.load(str(folder)).SECRET_KEY
    finally:
        os.umask(before)
    kept = folder / "secret_key"
    assert len(bytes.fromhex(first)) == 32
    assert kept.read_text().strip() == first
    assert kept.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == [kept]
    assert first == Config.load(str(folder)).SECRET_KEY
    assert first != Config.load(str(tmp_path / "other")).SECRET_KEY


def test_a_given_key_leaves_the_kept_one_alone(tmp_path: Path) -> None:
    made = Config.load(str(tmp_path)).SECRET_KEY
    assert load(tmp_path).SECRET_KEY == GOOD_KEY
    assert made == Config.load(str(tmp_path)).SECRET_KEY


def test_b151_processes_that_start_at_once_end_up_with_one_key(tmp_path: Path) -> None:
    code = f"from config import Config; print(Config.load({str(tmp_path / 'i')!r}).SECRET_KEY)"
    running = [
        subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    keys = {process.communicate(timeout=PATIENCE)[0].strip() for process in running}
    assert keys == {Config.load(str(tmp_path / "i")).SECRET_KEY}
    assert [file.name for file in (tmp_path / "i").iterdir()] == ["secret_key"]


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n", b"a" * 64, b"\xff" * 64])
def test_a_damaged_kept_key_is_refused_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "secret_key"
    kept.write_bytes(content)
    with pytest.raises(ConfigError, match=r"^SECRET_KEY: .*secret_key"):
        Config.load(str(tmp_path))
    assert kept.read_bytes() == content


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"^SECRET_KEY: .*file"):
        Config.load(str(tmp_path / "file"))


@pytest.mark.parametrize(
    ("url", "https"), [("", False), ("http://localhost", False), ("https://example.org", True)]
)
def test_only_an_https_address_turns_on_secure_cookies(
    tmp_path: Path, url: str, https: bool
) -> None:
    assert load(tmp_path, PUBLIC_URL=url).over_https is https


@pytest.mark.parametrize("command", [["users", "list"], ["db", "init"], ["serve"], ["routes"]])
def test_every_command_shows_a_bad_setting_in_one_line(tmp_path: Path, command: list[str]) -> None:
    settings = {"SECRET_KEY": GOOD_KEY, "DATABASE_URL": f"sqlite:///{tmp_path}/x.db", "PORT": "x"}
    done = flask(settings, *command)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: PORT: ")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_is_no_text_is_refused_in_one_line(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path}/x.db", "SECRET_KEY": "\udcff" * 40}
    done = flask(settings, "db", "init")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: SECRET_KEY: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("make", [True, False], ids=["serve", "doctor"])
def test_a_key_in_the_folder_of_another_user_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: bool
) -> None:
    def refuse(path: Path, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refuse)
    with pytest.raises(
        ConfigError, match=r"Permission denied; run this as the server's user"
    ) as no:
        kept_secret_key(tmp_path, make=make)
    assert no.value.message.count(str(tmp_path)) == 1
