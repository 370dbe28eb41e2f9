"""The pages of an account: the links beside each of them, and the rows of /profile.

A feature appends its pages in its `init_app`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from flask.sansio.app import App
from markupsafe import Markup
from peewee import SQL, Query, Select, fn

from accounts import events, settings
from accounts.events import Kind
from accounts.sessions import alive_at
from database.statements import Statement
from models import Event, Session, User, now
from web.templating import ago_tag, time_tag

MONTH = 30 * 86_400_000  # milliseconds

Known = dict[str, Any]  # user, session (their ids), now, month_ago, oldest_session


class AccountPage(NamedTuple):
    """A page of the account, and how things stand there: `words` makes a line of the user and of
    what `select` found. That is a query for one value; all of them are columns of one SELECT.
    advice: makes what the profile says above all lines, with a link to the page; "" for nothing.
    before_deletion: what to do there before the account is deleted, if anything.
    """

    title: str
    endpoint: str
    words: Callable[[User, Any], str] = lambda *_: ""
    select: Callable[[Known], Query] | None = None
    advice: Callable[[User, Any], str] | None = None
    before_deletion: str = ""


def _password(user: User, changed_at: int | None) -> str:
    if changed_at:
        return "Changed " + ago_tag(changed_at)
    since = max(user.created_at, events.kept_since())
    if since == user.created_at:
        return "Never changed since sign-up"
    return Markup("Not changed since {}").format(time_tag(since))


def _others(known: Known) -> Query:
    alive = alive_at(known["now"], known["oldest_session"])
    mine = (Session.user == known["user"]) & (Session.id != known["session"])
    return Session.select(fn.COUNT(Session.id)).where(mine, alive)


def _changed(known: Known) -> Query:
    changed = (Event.user == known["user"]) & (Event.kind == SQL(f"'{Kind.PASSWORD_CHANGE}'"))
    return Event.select(fn.MAX(Event.at)).where(changed)


def count(number: int, noun: str) -> str:
    """Return how many there are: "No sessions", "1 session", "2 sessions"."""
    return f"{number or 'No'} {noun}{'' if number == 1 else 's'}"


FIRST = AccountPage("Your profile", "profile.show")
LAST = AccountPage("Delete account", "profile.delete")
PAGES = (
    AccountPage("Change password", "profile.change_password", _password, _changed),
    AccountPage("Change username", "profile.change_username",
                lambda user, _: Markup('<span dir="auto">{}</span>').format(user.username)),
    AccountPage("Browsers", "profile.list_sessions",
                lambda _, others: count(others, "other browser"), _others),
)  # fmt: skip
pages: list[AccountPage] = []
panels: list[Callable[[], str]] = []  # each writes what stands at the top of the profile
marks: list[Callable[[int], str]] = []  # each writes what follows its link if there are notices


def init_app(app: App) -> None:
    """Begin with the hall's pages, and show the links to the templates."""
    pages[:], panels[:], marks[:] = PAGES, [], []
    links = {"account_links": lambda: [FIRST, *pages, LAST]}
    app.jinja_env.globals.update(links, panels=panels, marks=marks)


def rows(session: Session) -> list[tuple[AccountPage, str, str | None]]:
    """Return each page with its words and advice for the user of a session, at one SELECT."""
    moment = now()
    found = iter(_select(tuple(page.select for page in pages if page.select)).row(
        user=session.user.id, session=session.id, now=moment, month_ago=moment - MONTH,
        oldest_session=moment - settings.SESSION_MAX_AGE,
    ))  # fmt: skip
    user = session.user
    return [
        (page, page.words(user, value), page.advice and page.advice(user, value))
        for page in pages
        for value in [next(found) if page.select else None]
    ]


@cache
def _select(selects: tuple[Callable[[Known], Query], ...]) -> Statement:
    return Statement(lambda **known: Select(columns=[select(known) for select in selects]))
