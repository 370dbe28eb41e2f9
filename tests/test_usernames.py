import contextlib
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import settings
from accounts.actor import OPERATOR, Actor
from accounts.errors import InvalidUsername
from accounts.usernames import USERNAME_MAX, login_key, parse_typed_username, parse_username


@pytest.fixture(autouse=True)
def reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("Admin", "ＲＯＯＴ", "help", "no-reply", "not a name")
    monkeypatch.setattr(settings, "RESERVED_USERNAMES", names, raising=False)


@pytest.mark.parametrize(
    ("typed", "display", "key"),
    [
        ("Jane", "Jane", "jane"),
        ("JANE", "JANE", "jane"),
        ("ＪＡＮＥ１", "JANE1", "jane1"),  # full width
        ("ｶﾀｶﾅ", "カタカナ", "カタカナ"),  # half width
        ("Zoe\u0308Mu\u0308ller", "ZoëMüller", "zoëmüller"),  # decomposed
        ("\u212aelvin", "Kelvin", "kelvin"),  # the kelvin sign
        ("\u212bngstr\u00f6m", "Ångström", "ångström"),  # the ångström sign
        ("ΘΕΌΣ", "ΘΕΌΣ", "θεός"),  # a final sigma
        ("a.b-c_d@e", "a.b-c_d@e", "a.b-c_d@e"),
        ("1234", "1234", "1234"),
    ],
)
def test_a_name_is_shown_as_typed_and_known_by_its_key(typed: str, display: str, key: str) -> None:
    name = parse_username(typed)
    assert (name, name.key) == (display, key)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße", "strasse"),  # ß is not ss
        ("istanbul", "ıstanbul"),  # the Turkish dotless i
        ("ISTANBUL", "ıstanbul"),
        ("İstanbul", "istanbul"),  # the Turkish dotted I
        ("jose", "josé"),
        ("jane", "jane1"),
    ],
)
def test_names_that_read_differently_are_different(one: str, other: str) -> None:
    assert parse_username(f"{one}x").key != parse_username(f"{other}x").key


@pytest.mark.parametrize(
    "name",
    [
        "東京タワー",
        "ひらがな漢字カタカナ",
        "漢字かなABC",
        "한국漢字abc",
        "ㄅㄆㄇ漢字abc",
        "русский",
        "Ελλάδα",
        "שלום",
        "हिन्दी",
        "ไทยไทย",
        "jane1234",
        "1234東京",
    ],
)
def test_a_name_may_be_in_any_script_and_in_the_mixtures_that_people_write(name: str) -> None:
    assert parse_username(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "j\u0430ne",  # a Cyrillic a
        "Ωmega",
        "раypal",
        "ひらがな한국",
        "русскийΩ",
        "กขคabcd",
    ],
)
def test_a_mixture_of_look_alike_scripts_is_refused(name: str) -> None:
    with pytest.raises(InvalidUsername, match="mix"):
        parse_username(name)


@pytest.mark.parametrize(
    ("character", "word"),
    [
        (" ", "spaces"),
        ("\u00a0", "spaces"),  # no-break space
        ("\u3000", "spaces"),  # the space of a Japanese keyboard
        ("\t", "control"),
        ("\n", "control"),
        ("\x00", "control"),
        ("\x1b", "control"),
        ("\x7f", "control"),
        ("\x85", "control"),
        ("\u200b", "invisible"),
        ("\u200c", "invisible"),
        ("\u200d", "invisible"),
        ("\u00ad", "invisible"),
        ("\u2060", "invisible"),
        ("\ufeff", "invisible"),
        ("\u202e", "invisible"),
        ("\u2066", "invisible"),
        ("\u200f", "directions"),
        ("\ufe0f", "invisible"),
        ("\U000e0041", "invisible"),
        ("\u2028", "kind of character"),
        ("😀", "symbols"),
        ("€", "symbols"),
        ("א", "directions"),
        ("ﬁ", "kind of character"),
        ("²", "kind of character"),
        ("\ue000", "kind of character"),  # private use
        ("\u0378", "kind of character"),  # unassigned
        ("\U0003fffd", "kind of character"),
        ("\ufffe", "invisible"),
        ("\ud800", "kind of character"),  # half of a surrogate pair
    ],
)
def test_a_character_that_misleads_is_refused_with_the_reason(character: str, word: str) -> None:
    for name in (f"ab{character}cd", f"abcd{character}", f"{character}abcd"):
        with pytest.raises(InvalidUsername, match=word):
            parse_username(name)
        assert login_key(name) is None


@pytest.mark.parametrize("mark", ["\u0301", "\u0345", "\u0e31", "\u093e"])
def test_a_name_cannot_begin_with_a_combining_mark(mark: str) -> None:
    with pytest.raises(InvalidUsername, match="begin"):
        parse_username(f"{mark}abcd")


@pytest.mark.parametrize(
    "name", ["", "abc", "ｊａｎ", "e\u0301" * 3, "a" * 32, "e\u0301" * 32, "a" * 1_000_000]
)
def test_a_name_shorter_than_4_or_longer_than_31_is_refused(name: str) -> None:
    with pytest.raises(InvalidUsername, match="4 to 31"):
        parse_username(name)


@pytest.mark.parametrize("name", ["abcd", "a" * 31, "e\u0301" * 4, "e\u0301" * 31, "𠀀" * 31])
def test_length_is_counted_in_composed_characters(name: str) -> None:
    assert 4 <= len(parse_username(name)) <= USERNAME_MAX


@pytest.mark.parametrize(
    "name",
    ["admin", "ADMIN", "ａｄｍｉｎ", "root", "Root", "adm1n", "r00t", "ádmin", "a.d.m.i.n",
     "_admin", "admin_", "heIp", "he1p", "noreply", "adm\u0131n"],
)  # fmt: skip
def test_a_reserved_name_is_refused_in_every_spelling(name: str) -> None:
    with pytest.raises(InvalidUsername, match="reserved"):
        parse_username(name)


@pytest.mark.parametrize("name", ["admin2", "theroot", "admins", "helper", "ruth"])
def test_a_name_that_contains_a_reserved_one_is_free(name: str) -> None:
    assert parse_username(name).key == name


def test_only_the_operator_gives_reserved_names() -> None:
    assert parse_username("Admin", OPERATOR).key == "admin"
    with pytest.raises(InvalidUsername, match="reserved"):
        parse_username("Admin", Actor.visitor("", ""))  # of a Unix socket


@pytest.mark.parametrize(
    "sign", [*"!\"#$%&'()*,/:;<=>?[\\]^`{|}~", "\u30fb", "l\u00b7l", "\u0f0b", "\u06fd", "\u05f3"]
)
def test_a_name_is_of_letters_digits_and_a_few_signs(sign: str) -> None:
    with pytest.raises(InvalidUsername, match=r"only letters|directions|kind of"):
        parse_username(f"abcd{sign}")
    assert login_key(f"abcd{sign}") != "abcd"  # an imported name


@pytest.mark.parametrize("sign", "@.+-")
def test_a_name_begins_with_a_letter_a_digit_or_an_underscore(sign: str) -> None:
    with pytest.raises(InvalidUsername, match="begin with a letter, a digit or _"):
        parse_username(f"{sign}abcd")
    assert parse_username(f"_abcd{sign}") == f"_abcd{sign}"


def test_a_reserved_name_still_logs_in_for_who_has_it() -> None:
    assert login_key("Admin") == "admin"


def test_no_message_repeats_what_was_typed() -> None:
    for name in ("<b>x</b> y", "j\u0430ne", "x\u202ey\u202e", "ab"):
        with pytest.raises(InvalidUsername) as refusal:
            parse_username(name)
        assert name not in str(refusal.value)
        assert refusal.value.field == "username"


@pytest.mark.parametrize("name", ["a", "abc", "a" * 31, "a:b:c", "Zoë Müller", "e\u0301" * 31])
def test_logging_in_takes_every_name_that_was_ever_given(name: str) -> None:
    parse_typed_username(name)


@pytest.mark.parametrize("name", ["", "a" * 32, "e\u0301" * 32, "a" * 1_000_000])
def test_logging_in_refuses_what_is_nobodys_name(name: str) -> None:
    with pytest.raises(InvalidUsername, match="at most 31"):
        parse_typed_username(name)


@pytest.mark.parametrize("function", [parse_username, login_key, parse_typed_username])
def test_text_that_is_slow_to_normalize_is_refused_fast(function) -> None:
    hostile = "a" + "\u0316\u0301" * 50_000
    started = time.thread_time()  # of CPU time, however busy the machine is
    with contextlib.suppress(InvalidUsername):
        assert function(hostile) is None
    assert time.thread_time() - started < 0.05


SCRIPTS = [
    "abcXYZäÖéÀñßıİſøÞẞｊＡ１９09.-_@\u0301\u0308\u0327\u212a\u212b\u01c5",
    "αωςΣσΏΆΐΰΌ\u0301\u0308\u2126",
    "абвЁЙйѢ\u0306\u0308",
    "ひがバパヴ゛\u3099\u309aカｶﾞ漢字々〆ー",
    "한글각\u1100\u1161\u11a8漢",
    "אבגש\u05bc\u05c109",
    "कखड\u093c\u094d\u0958",
    "Ꭰꭰა",
]
names = st.one_of(*(st.text(st.sampled_from(script), max_size=40) for script in SCRIPTS))


@given(names | st.text(max_size=40))
def test_the_shown_name_logs_in_and_shows_as_itself(text: str) -> None:
    try:
        name = parse_username(text)
    except InvalidUsername:
        return
    again = parse_username(str(name))
    assert (again, again.key) == (name, name.key)
    assert login_key(name) == login_key(text) == name.key


@given(names | st.text(max_size=40))
def test_the_key_of_a_key_is_that_key(text: str) -> None:
    key = login_key(text)
    assert key is None or login_key(key) == key


@given(names)
def test_composing_a_name_differently_makes_no_other_name(text: str) -> None:
    assert login_key(unicodedata.normalize("NFD", text)) == login_key(
        unicodedata.normalize("NFC", text)
    )
