"""What a feature can add to the rules (accounts/hooks.py), tried with features made up here.

More: test_change_password.py (all keys that log in get the new one), test_change_username.py
(a rename leaves one key of a name).
"""

from types import SimpleNamespace

import pytest
from conftest import OLD_HASH, OLD_PASSWORD, PASSWORD, Browser, hidden_fields, page_form
from passlib.utils.handlers import MinimalHandler

import accounts
from accounts import hooks, passwords, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import AccountError, UsernameTaken
from accounts.users.lookup import find_account
from config import Config
from database import database
from models import Counter, Event, Key, Session, User

HERE = Actor("192.0.2.1", "Firefox")
OTHER_PASSWORD = "another horse"


@pytest.fixture
def user(app):
    """Jane, whose password is PASSWORD."""
    return users.create_user("Jane", PASSWORD, OPERATOR)


def by_mail(text):
    return text.lower() if "@" in text else None


@pytest.fixture
def mail(user, monkeypatch):
    """Users can also log in by e-mail address or number. Jane's address has another password."""
    ways = [("mail", by_mail), ("number", lambda text: text if text.isdigit() else None)]
    monkeypatch.setattr(hooks, "login_names", ways)
    return key("mail", "jane@x.org", user)


def key(provider, name, user, password_hash=OLD_HASH):
    return Key.create(
        provider=provider, provider_user_id=name, user=user, password_hash=password_hash
    )


def opened(name, password):
    signed_in = users.log_in(name, password, HERE)
    return signed_in and signed_in.user.username


def test_another_name_opens_the_account_with_the_password_of_its_key(mail):
    assert opened("JANE@x.org", OLD_PASSWORD) == "Jane"
    assert opened("jane", PASSWORD) == "Jane"
    assert opened("jane@x.org", PASSWORD) is None
    assert opened("other@x.org", OLD_PASSWORD) is None
    assert opened("123456", OLD_PASSWORD) is None


def test_without_the_feature_its_key_opens_nothing(user):
    key("mail", "jane@x.org", user)
    assert opened("jane@x.org", OLD_PASSWORD) is None
    assert users.find_users("jane@x.org") == []


def test_names_are_tried_in_order_and_the_username_last(mail, user):
    """A text may be a name of each kind: only the first existing key counts."""
    john = users.create_user("jane@x.org", PASSWORD, OPERATOR)
    assert find_account("jane@x.org")[1] == mail
    assert opened("jane@x.org", PASSWORD) is None
    hooks.login_names.reverse()
    assert find_account("jane@x.org")[1] == mail
    mail.delete_instance()
    assert opened("jane@x.org", PASSWORD) == john.username
    digits = [users.create_user("123456", PASSWORD, OPERATOR), key("number", "123456", user)]
    assert find_account("123456")[1] == digits[1]


@pytest.fixture
def queries(user):
    """A list that grows with every query."""
    queries = []
    database.query_hooks.append(queries.append)
    yield queries
    database.query_hooks.remove(queries.append)


@pytest.mark.parametrize("ways", [0, 1, 2, 5])
def test_any_number_of_ways_to_log_in_is_one_query_for_known_and_unknown_names(
    user, queries, monkeypatch, ways
):
    extra = [(f"way {number}", by_mail) for number in range(ways)]
    monkeypatch.setattr(hooks, "login_names", extra)
    if ways:
        key(extra[-1][0], "jane@x.org", user)
    for name, found in (
        ("Jane", True), ("jane@x.org", ways > 0), ("Nobody", False), ("a b", False), ("", False),
    ):  # fmt: skip
        queries.clear()
        assert (find_account(name)[1] is not None) == found, name
        assert len(queries) == 1


def test_failures_at_all_names_of_a_user_count_together(settings, request):
    settings["LIMIT_LOGIN_ACCOUNT"] = "3/hour"
    request.getfixturevalue("mail")
    browser = Browser(request.getfixturevalue("app"))
    names = ("Jane", "jane@x.org", "JANE", "Jane@X.org")
    assert [browser.log_in(name, "wrong horse").status_code for name in names] == [400] * 3 + [429]


def test_a_hash_of_another_way_is_replaced_where_it_stands(mail):
    users.log_in("jane@x.org", OLD_PASSWORD, HERE)
    stored = {each.provider: each.password_hash for each in Key.select()}
    assert stored["mail"].startswith(passwords.current_form())
    assert passwords.verify_password(OLD_PASSWORD, [stored["mail"]])
    assert passwords.verify_password(PASSWORD, [stored["username"]])


def test_the_operator_sets_the_password_of_all_names_at_once(mail, user):
    users.set_password(user, OTHER_PASSWORD, OPERATOR)
    for name in ("jane", "jane@x.org"):
        assert opened(name, OTHER_PASSWORD) == "Jane"
        assert opened(name, PASSWORD) is opened(name, OLD_PASSWORD) is None


def test_a_key_without_a_password_only_reserves_its_name_unless_there_is_no_other(mail, user):
    Key.update(password_hash=None).where(Key.provider == "username").execute()
    users.set_password(user, OTHER_PASSWORD, OPERATOR)
    assert opened("jane", OTHER_PASSWORD) is None
    assert opened("jane@x.org", OTHER_PASSWORD) == "Jane"
    Key.update(password_hash=None).execute()
    users.set_password(user, OTHER_PASSWORD, OPERATOR)
    assert opened("jane", OTHER_PASSWORD) == opened("jane@x.org", OTHER_PASSWORD) == "Jane"


def test_an_operator_finds_users_by_those_names_and_by_what_a_feature_finds(mail, user):
    assert users.find_users("JANE@x.org") == [user]
    other = users.create_user("Other", PASSWORD, OPERATOR)
    hooks.user_finders.append(lambda name: [user, other] if name == "both" else [])
    assert {found.username for found in users.find_users("both")} == {"Jane", "Other"}
    assert users.find_users("neither") == []
    assert users.find_users("jane") == [user], "once"


def test_a_name_that_was_freed_is_told_in_the_same_transaction(user):
    told = []

    def follow_up(names):
        told.append((names, database.in_transaction(), User.select().count()))

    hooks.names_freed.append(follow_up)
    users.rename_user(user, "Janet", OPERATOR)
    users.delete_user(user, OPERATOR)
    assert told == [(["jane"], True, 1), (["janet"], True, 0)]


@pytest.mark.parametrize(
    "change",
    [
        lambda user: users.rename_user(user, "Janet", OPERATOR),
        lambda user: users.delete_user(user, OPERATOR),
    ],
    ids=["rename", "delete"],
)
def test_a_follow_up_that_fails_undoes_the_change(user, change):
    hooks.names_freed.append(lambda _names: 1 / 0)
    before = list(Key.select().tuples()), list(Event.select().tuples())
    with pytest.raises(ZeroDivisionError):
        change(user)
    assert (list(Key.select().tuples()), list(Event.select().tuples())) == before
    assert opened("jane", PASSWORD) == "Jane"


def test_a_name_that_a_feature_reserves_when_it_is_freed_is_taken(user):
    successor = users.create_user("Other", PASSWORD, OPERATOR)

    def reserve(names):
        for name in names:
            key("username", name, successor, None)

    hooks.names_freed.append(reserve)
    users.rename_user(user, "Janet", OPERATOR)
    with pytest.raises(UsernameTaken):
        users.sign_up("jane", PASSWORD, HERE)


class Reversed(MinimalHandler):
    """The hashes of another system, which are as weak as they look."""

    name = "reversed"
    setting_kwds = ()
    context_kwds = ()

    @classmethod
    def identify(cls, hash):  # noqa: A002 - passlib's name
        return hash.startswith("reversed:")

    @classmethod
    def verify(cls, secret, hash, **_context):  # noqa: A002
        return hash == f"reversed:{secret[::-1]}"


def test_hashes_of_another_system_open_and_are_replaced(user):
    Key.update(password_hash=f"reversed:{PASSWORD[::-1]}").execute()
    assert opened("jane", PASSWORD) is None
    hooks.hash_handlers.append(Reversed)
    assert passwords.is_known_hash("reversed:x")
    assert opened("jane", "wrong horse") is None
    assert opened("jane", PASSWORD) == "Jane"
    assert Key.get().password_hash.startswith(passwords.current_form())
    assert opened("jane", PASSWORD) == "Jane"


class NotYet(AccountError):
    """A user whom a feature does not let in."""

    text = "Not yet, says a feature."


def refuse(_user):
    raise NotYet


def tries():
    return sum(counter.count for counter in Counter.select())


def test_a_veto_lets_no_one_in_and_the_right_password_is_no_failed_try(app, user):
    hooks.log_in_vetoes.append(refuse)
    answer = Browser(app).log_in("Jane")
    assert (answer.status_code, NotYet.text in answer.text) == (400, True)
    assert (Session.select().count(), tries()) == (0, 0)
    assert "Incorrect username or password" in Browser(app).log_in("Jane", "wrong horse").text
    assert tries() > 0
    hooks.log_in_vetoes.clear()
    assert Browser(app).log_in("Jane").status_code == 302


def test_a_veto_holds_for_a_log_in_that_is_sent_again(app, user):
    browser = Browser(app)
    form = hidden_fields(page_form(browser.get("/login").text, "/login"))
    form |= {"username": "Jane", "password": PASSWORD}
    cookie = browser.client.get_cookie("auth_session").value
    assert browser.client.post("/login", data=form).status_code == 302
    again = Browser(app)
    again.client.set_cookie("auth_session", cookie)
    hooks.log_in_vetoes.append(refuse)
    assert again.client.post("/login", data=form).status_code == 400
    assert not again.is_signed_in()


def test_what_a_feature_does_in_the_making_of_an_account_is_all_or_nothing(app):
    def finish(user, _actor):
        User.update(username="Changed").where(User.id == user.id).execute()
        return user

    def fail(user, actor):
        finish(user, actor)
        raise NotYet

    for name in ("Jane", "Mary"):
        with pytest.raises(NotYet):
            users.make_account(name, PASSWORD, HERE, fail)
    assert (User.select().count(), Key.select().count(), Event.select().count()) == (0, 0, 0)
    assert tries() == 0, "no account was made, and nothing was learnt about a name"
    users.make_account("Jane", PASSWORD, HERE, finish, "by a feature")
    assert (User.get().username, Event.get().detail) == ("Changed", "by a feature")


def test_another_application_in_the_process_begins_without_them(app):
    lists = [getattr(hooks, name) for name in hooks.__annotations__]
    for each in lists:
        each.append("left over")
    values = {name: app.config[name] for name in Config.__dataclass_fields__}
    accounts.configure(SimpleNamespace(**values))
    assert lists == [[]] * len(lists)
