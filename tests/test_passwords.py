import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from conftest import CHEAP_ARGON2
from processes import ROOT

from accounts import passwords, settings
from accounts.errors import InvalidPassword
from accounts.passwords import (
    hash_password,
    parse_password,
    parse_typed_password,
    verify_password,
)
from database import connect

PASSWORD = "correct horse"


@pytest.fixture(autouse=True, scope="module")
def cheap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Hashes that cost almost nothing; no database is used but to release its connection."""
    connect(f"sqlite:///{tmp_path_factory.mktemp('db')}/x.db", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "ARGON2", CHEAP_ARGON2)
        patch.setattr(settings, "HASH_THREADS", 2, raising=False)
        patch.setattr(settings, "HASH_QUEUE", 8, raising=False)
        yield


@pytest.mark.parametrize(
    "password",
    [
        "123456",
        "x" * 255,
        "🙂" * 255,
        "🙂" * 6,
        "e\u0301" * 255,  # 510 code points, 255 once composed
        " spaces ",
        "      ",
        "pass\x00word",
        "\x00" * 6,
        "\u202e\u200b\ufeffabc",
        "\ufdfa" * 14,  # one character that NFKC turns into 18
        "\U0010ffff" * 6,
        "tab\tnew\nline",
    ],
)
def test_a_password_of_6_to_255_characters_opens_what_it_closed(password: str) -> None:
    stored = hash_password(parse_password(password))
    assert verify_password(password, [stored]) == stored
    assert verify_password(password[:-1], [stored]) is None


@pytest.mark.parametrize(
    "password",
    [
        "",
        "12345",
        "🙂" * 5,
        "e\u0301" * 5,
        "x" * 256,
        "🙂" * 256,
        "e\u0301" * 256,
        "\ufdfa" * 15,  # 270 characters after NFKC
        "x" * 1_000_000,
        "abcdef\ud800",
        "\udcff" * 6,
    ],
)
def test_a_password_shorter_than_6_or_longer_than_255_is_refused(password: str) -> None:
    with pytest.raises(InvalidPassword, match="6 to 255") as refusal:
        parse_password(password)
    assert not password or password not in str(refusal.value)


@pytest.mark.parametrize("password", ["x", "x" * 255, "\ufdfa" * 14, "🙂" * 255, "\x00"])
def test_logging_in_takes_every_password_ever_given(password: str) -> None:
    parse_typed_password(password)


@pytest.mark.parametrize("password", ["", "x" * 256, "\ufdfa" * 15, "abcdef\ud800"])
def test_logging_in_refuses_what_is_nobodys_password(password: str) -> None:
    with pytest.raises(InvalidPassword, match="at most 255"):
        parse_typed_password(password)


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("pässwörd", "pa\u0308sswo\u0308rd"),
        ("pa\u0308sswo\u0308rd", "pässwörd"),
        ("ｐａｓｓ１２", "pass12"),
        ("ﬁle-name", "file-name"),
        ("\u212bngström", "ångström".replace("å", "Å")),
    ],
)
def test_b015_every_unicode_spelling_of_a_password_works(stored: str, typed: str) -> None:
    assert verify_password(typed, [hash_password(parse_password(stored))])


@pytest.mark.parametrize(
    "typed", ["Correct horse", " correct horse", "correct horse ", "correct horse\x00", "correct"]
)
def test_nothing_of_a_password_is_trimmed_cut_or_case_changed(typed: str) -> None:
    assert verify_password(typed, [hash_password(parse_password(PASSWORD))]) is None


def test_the_hash_that_matches_is_found_among_several() -> None:
    hashes = [hash_password(parse_password(text)) for text in ("other horse", PASSWORD)]
    assert verify_password(PASSWORD, [None, *hashes]) == hashes[1]


def test_a_parsed_password_is_not_parsed_again() -> None:
    password = parse_password("ﬁle-name")
    assert parse_password(password) is password
    assert parse_password(parse_typed_password("ﬁle-name")) == password
    with pytest.raises(InvalidPassword):
        parse_password(parse_typed_password("short"))


@pytest.mark.parametrize("function", [parse_password, parse_typed_password])
def test_text_that_is_slow_to_normalize_is_refused_fast(function) -> None:
    started = time.thread_time()  # of CPU time, however busy the machine is
    with pytest.raises(InvalidPassword):
        function("a" + "\u0316\u0301" * 50_000)
    assert time.thread_time() - started < 0.05


def test_the_library_is_ready_before_two_requests_can_hash_at_once() -> None:
    """passlib loads Argon2 at the first hash, and fails where another thread has just done so."""
    code = "import accounts.passwords; from passlib.hash import argon2; print(argon2.__mro__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "_CffiBackend" in done.stdout
    assert "_NoBackend" not in done.stdout
