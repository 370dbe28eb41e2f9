import time
from collections.abc import Iterator

import pytest

from accounts import passwords
from accounts.errors import InvalidPassword
from accounts.passwords import (
    check_login_length,
    hash_password,
    normalize_password,
    verify_password,
)

PASSWORD = "correct horse"


@pytest.fixture(autouse=True, scope="module")
def cheap() -> Iterator[None]:
    passwords.configure(threads=2, queue=8, memory_cost=8, time_cost=1, parallelism=1)
    yield
    passwords.configure(threads=2, queue=8, memory_cost=8, time_cost=1, parallelism=1)


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
        "\ufdfa" * 14,  # one character that NFKC makes 18
        "\U0010ffff" * 6,
        "tab\tnew\nline",
    ],
)
def test_a_password_of_6_to_255_characters_opens_what_it_closed(password: str) -> None:
    stored = hash_password(normalize_password(password))
    assert verify_password(password, stored)
    assert not verify_password(password[:-1], stored)


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
        normalize_password(password)
    assert not password or password not in str(refusal.value)


@pytest.mark.parametrize("password", ["x", "x" * 255, "\ufdfa" * 14, "🙂" * 255, "\x00"])
def test_logging_in_takes_every_password_ever_given(password: str) -> None:
    check_login_length(password)


@pytest.mark.parametrize("password", ["", "x" * 256, "\ufdfa" * 15, "abcdef\ud800"])
def test_logging_in_refuses_what_is_nobodys_password(password: str) -> None:
    with pytest.raises(InvalidPassword, match="1 to 255"):
        check_login_length(password)


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
    assert verify_password(typed, hash_password(normalize_password(stored)))


@pytest.mark.parametrize(
    "typed", ["Correct horse", " correct horse", "correct horse ", "correct horse\x00", "correct"]
)
def test_nothing_of_a_password_is_trimmed_cut_or_case_changed(typed: str) -> None:
    assert not verify_password(typed, hash_password(PASSWORD))


@pytest.mark.parametrize("function", [normalize_password, check_login_length])
def test_text_that_is_slow_to_normalise_is_refused_fast(function) -> None:
    started = time.thread_time()  # of the processor, however busy it is
    with pytest.raises(InvalidPassword):
        function("a" + "\u0316\u0301" * 50_000)
    assert time.thread_time() - started < 0.05
