"""What a code is, and how people may type it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.recovery import codes
from features.recovery.codes import CHECK_SYMBOLS, SYMBOLS, MistypedCode, in_fours, parse_code

EXAMPLE = "7K3M9Q0ZX1V5B8D" + codes._check_symbol("7K3M9Q0ZX1V5B8D")


def test_the_check_symbol_is_crockfords() -> None:
    """Worked out by hand: the number that the symbols write, modulo 37; "10" is 32."""
    assert codes._check_symbol("0" * 15) == "0"
    assert codes._check_symbol("0" * 14 + "Z") == "Z"
    assert CHECK_SYMBOLS == "0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U"
    assert [codes._check_symbol(f"{'0' * 13}1{symbol}") for symbol in "01234"] == list("*~$=U")


def test_codes_are_15_random_symbols_and_a_check_symbol() -> None:
    made = {codes.make_code() for _ in range(500)}
    assert len(made) == 500
    assert {len(code) for code in made} == {16}
    assert {symbol for code in made for symbol in code[:-1]} == set(SYMBOLS)
    assert {code[-1] for code in made} == set(CHECK_SYMBOLS)


def test_a_code_is_shown_in_dashed_fours() -> None:
    assert in_fours("0123456789ABCDEF") == "0123-4567-89AB-CDEF"
    assert parse_code(in_fours(EXAMPLE)) == EXAMPLE


@pytest.mark.parametrize(
    "typed",
    [
        EXAMPLE,
        EXAMPLE.lower(),
        " ".join(EXAMPLE),
        f"  {in_fours(EXAMPLE)}\t\n",
        in_fours(EXAMPLE).replace("-", "–"),
        in_fours(EXAMPLE).replace("-", "\u2011"),
        in_fours(EXAMPLE).replace("-", "\u00a0"),
        EXAMPLE.replace("0", "O"),
        EXAMPLE.replace("0", "o"),
        EXAMPLE.replace("1", "I"),
        EXAMPLE.replace("1", "l"),
    ],
)
def test_what_people_type_is_forgiven(typed: str) -> None:
    assert parse_code(typed) == EXAMPLE


@given(st.text(SYMBOLS, min_size=15, max_size=15), st.integers(0, 15), st.sampled_from(SYMBOLS))
def test_any_one_wrong_symbol_is_found(symbols: str, place: int, wrong: str) -> None:
    code = symbols + codes._check_symbol(symbols)
    typed = code[:place] + wrong + code[place + 1 :]
    if typed != code:
        with pytest.raises(MistypedCode):
            parse_code(typed)


@given(st.text(SYMBOLS, min_size=15, max_size=15), st.integers(0, 13))
def test_any_two_neighbours_that_changed_places_are_found(symbols: str, place: int) -> None:
    code = symbols + codes._check_symbol(symbols)
    typed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if typed != code:
        with pytest.raises(MistypedCode):
            parse_code(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "-", "x", EXAMPLE[:-1], EXAMPLE + "0", EXAMPLE * 2, "U" + EXAMPLE[1:],
        EXAMPLE[:-1] + "é", EXAMPLE[:8] + "\0" + EXAMPLE[8:], EXAMPLE + "\u200b", "０" * 16,
        EXAMPLE[:-1] + "\ud800", "-" * 101 + EXAMPLE, "9" * 10_000, "'; DROP TABLE user --",
        "{{ 7 * 7 }}", "<script>alert(1)</script>", "../../etc/passwd", "%00", "🐎" * 16,
    ],
)  # fmt: skip
def test_what_cannot_be_a_code_is_mistyped(typed: str) -> None:
    with pytest.raises(MistypedCode, match="mistyped"):
        parse_code(typed)


@given(st.text())
def test_any_text_is_a_code_or_mistyped(typed: str) -> None:
    with contextlib.suppress(MistypedCode):
        assert len(parse_code(typed)) == 16


def test_one_code_of_two_users_is_stored_as_two_hashes() -> None:
    one, other = codes.hash_code("jane", EXAMPLE), codes.hash_code("lucy", EXAMPLE)
    assert one != other
    assert len(one) == len(other) == 32
