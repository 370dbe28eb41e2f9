"""Catalogue B-025 to B-038: which names are the same and which are not."""

import json

import pytest
from conftest import PASSWORD, Browser, field, field_error, page_text
from hostile import rows

from accounts import settings, users
from accounts.actor import OPERATOR
from models import Key, User

pytestmark = pytest.mark.usefixtures("steady")


def refused(browser, name, word):
    """Check that sign-up refuses a name and says why, and that log-in does not know it."""
    page = browser.sign_up(name)
    assert page.status_code == 400
    assert word in field_error(page.text, "username")
    assert field(page.text, "username")["value"] == name
    assert rows() == (0, 0, 0)
    assert "Incorrect username or password" in page_text(browser.log_in(name).text)


def same_account(app, names):
    """Check that all these spellings are one name."""
    first, *others = names
    assert Browser(app).sign_up(first).status_code == 302
    for name in others:
        page = Browser(app).sign_up(name)
        assert page.status_code == 400
        assert "taken" in field_error(page.text, "username")
        assert field(page.text, "username")["value"] == name
        assert Browser(app).log_in(name).status_code == 302
    assert User.select().count() == Key.select().count() == 1


def own_accounts(app, names):
    """Check that each name is an account of its own, opened only by its own password."""
    for name in names:
        assert Browser(app).sign_up(name, f"password of {name}").status_code == 302
    for name in names:
        for other in names:
            opened = Browser(app).log_in(name, f"password of {other}").status_code == 302
            assert opened == (name == other)


@pytest.mark.parametrize("name", ["p\u0430ypal", "j\u0430ne", "\u03bfscar", "раypal"])
def test_b025_a_mixture_of_look_alike_scripts_is_refused(browser, name):
    refused(browser, name, "mix scripts")


def test_b026_an_all_cyrillic_name_stands_beside_its_latin_twin(app):
    own_accounts(app, ["coco", "\u0441\u043e\u0441\u043e"])


def test_b027_a_full_width_name_is_its_ascii_spelling(app):
    same_account(app, ["janet", "ｊａｎｅｔ", "ＪＡＮＥＴ"])


def test_b027_a_ligature_is_refused(browser):
    refused(browser, "ﬀﬀﬀﬀ", "kind of character")


@pytest.mark.parametrize("control", [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"])
def test_b028_a_bidirectional_control_is_refused(browser, control):
    refused(browser, f"ja{control}ne", "invisible")


@pytest.mark.parametrize("control", ["\u200e", "\u200f", "\u061c", "abc\u05d0"])
def test_b028_a_direction_mark_is_refused(browser, control):
    refused(browser, f"ja{control}ne", "cannot")


@pytest.mark.parametrize("character", [*"\u200b\u200c\u200d\u00ad\u2060\ufeff\u034f"])
def test_b029_an_invisible_character_is_refused(browser, character):
    refused(browser, f"ja{character}ne", "invisible")


@pytest.mark.parametrize("name", [" bob1", "bob1 ", "\u3000bob1", "bob1\u2003"])
def test_b030_a_blank_at_an_end_is_refused_and_not_trimmed(browser, name):
    refused(browser, name, "spaces")


def test_b030_a_tab_at_the_end_is_refused_and_not_trimmed(browser):
    refused(browser, "bob1\t", "control characters")


def test_b030_a_name_with_a_blank_does_not_log_in_as_the_name_without(app, browser):
    users.create_user("bob1", PASSWORD, OPERATOR)
    for name in (" bob1", "bob1 ", "bob1\t", "bob1\n"):
        assert browser.log_in(name).status_code == 400
    assert browser.log_in("bob1").status_code == 302


@pytest.mark.parametrize("blank", [" ", "  ", "\u00a0", "\u3000", "\u2009", "\u202f"])
def test_b031_a_blank_inside_is_refused(browser, blank):
    refused(browser, f"jane{blank}doe", "spaces")


def test_b032_letter_case_makes_no_other_name(app):
    same_account(app, ["Alice", "ALICE", "alice", "aLiCe"])


def test_b032_the_kelvin_sign_is_the_letter_k(app):
    same_account(app, ["kelvin", "\u212aelvin"])


def test_b032_sharp_s_is_not_ss(app):
    own_accounts(app, ["stra\u00dfe", "strasse"])


def test_b032_a_long_s_is_refused(browser):
    refused(browser, "\u017ftreet", "kind of character")


@pytest.mark.parametrize("mark", ["\u0301", "\u0345", "\u0e31", "\u093e"])
def test_b033_a_combining_mark_at_the_start_is_refused(browser, mark):
    refused(browser, f"{mark}abcd", "begin with a letter")


@pytest.mark.parametrize("character", ["\u0378", "\ue000", "\ufffe", "\U000fffff", "\U0010ffff"])
def test_b034_an_unassigned_private_or_non_character_is_refused(browser, character):
    refused(browser, f"ja{character}ne", "cannot contain")


@pytest.mark.parametrize(
    "part", ["\ufe0f", "\ufe0e", "\U000e0100", "\U000e0041", "👩\u200d🚀", "👍🏽", "🇩🇪", "🐎"]
)
def test_b035_variation_selectors_tags_and_emoji_are_refused(browser, part):
    refused(browser, f"jane{part}", "cannot contain")


@pytest.mark.parametrize(
    "name", ["login", "null", "None", "undefined", "Vestibule", "static", "true"]
)
def test_b036_names_that_sound_important_are_ordinary(app, browser, name):
    assert browser.sign_up(name).status_code == 302
    assert browser.get(f"/{name}").status_code == (302 if name == "login" else 404)
    assert [user.username for user in User.select()] == [name]
    assert browser.log_out().status_code == 302
    assert browser.log_in(name).status_code == 302


@pytest.mark.parametrize("name", ["admin", "ADMIN", "ａｄｍｉｎ", "Root", "r00t", "supp.ort_"])
def test_b036_names_that_visitors_would_trust_are_reserved(browser, name):
    refused(browser, name, "reserved")


def test_b036_the_operator_gives_reserved_names(app, browser, runner):
    made = runner.invoke(args=["users", "create", "Admin", "--password-stdin"], input=PASSWORD)
    assert made.exit_code == 0
    assert browser.log_in("admin").status_code == 302
    assert runner.invoke(args=["users", "rename", "admin", "Root"]).exit_code == 0
    page = browser.submit(
        "/profile/username", {"new_username": "support", "current_password": PASSWORD}
    )
    assert "reserved" in field_error(page.text, "new_username")


@pytest.mark.parametrize("name", ["Gate", "g.a.t.e", "gäte"])
def test_b036_an_operator_can_reserve_others(browser, monkeypatch, name):
    monkeypatch.setattr(settings, "RESERVED_USERNAMES", ("gate",))
    refused(browser, name, "reserved")
    assert browser.sign_up("admin").status_code == 302


@pytest.mark.parametrize("name", ["....", "../..", "-rf4", "--help", "a:b:c", "x!yz", "id:x0"])
def test_b037_a_name_of_other_signs_is_refused(browser, name):
    refused(browser, name, "letter")


@pytest.mark.parametrize(
    "name", ["conn", "12345", "0000", "_rf4", "a@b.c", "a+b-c", "हिन्दी", "ไทยไทย"]
)
def test_b037_odd_names_are_ordinary_on_pages_and_on_the_command_line(browser, runner, name):
    assert browser.sign_up(name).status_code == 302
    assert name in page_text(browser.get("/profile").text)
    [listed] = json.loads(runner.invoke(args=["users", "list", "--json"]).stdout)
    assert listed["username"] == name
    shown = runner.invoke(args=["users", "show", "--json", "--", name])
    assert json.loads(shown.stdout)[0]["username"] == name


def test_b038_the_turkish_letters_i_are_kept_apart(app):
    own_accounts(app, ["\u0130stan", "\u0131stan", "istan"])
