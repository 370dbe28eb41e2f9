"""The pages of admins in each of their states, for tests/browser."""

from browser import person
from browser.states import LONG_NAME, RIGHT_TO_LEFT, State, at, sent
from conftest import PASSWORD
from playwright.sync_api import Page, expect

from accounts.actor import OPERATOR
from database import release
from features.admin import rules
from models import Session, User, now


def admin(then: str | State) -> State:
    """Return a page as an admin sees it, beside other users."""

    def visit(page: Page) -> None:
        for name in (LONG_NAME, RIGHT_TO_LEFT, "Lucy"):
            person.join(page, name)
            page.context.clear_cookies()
        person.join(page)
        rules.grant(user("Jane"), OPERATOR)
        release()
        page.request.get("/profile")  # uses up the message
        (at(then) if isinstance(then, str) else then)(page)

    return visit


def user(name: str) -> User:
    """Return a user of the site under test."""
    return User.get(User.username == name)


def below(name: str, path: str = "") -> State:
    """Return the page of a user, or one below it."""
    return lambda page: page.goto(f"/admin/users/{user(name).id}{path}")


def refused(path: str, button: str, **typed: str) -> State:
    """Return a form of Lucy's that was sent with an error."""

    def visit(page: Page) -> None:
        sent(f"/admin/users/{user('Lucy').id}{path}", button, **typed)(page)

    return visit


def locked(page: Page) -> None:
    """Lock Lucy, and look at the last acts of admins."""
    below("Lucy")(page)
    person.press(page, "Lock")
    expect(page.get_by_role("status")).to_contain_text("has been locked")
    page.goto("/admin")


def last(page: Page) -> None:
    """Try to lock the last admin."""
    below("Jane", "/role")(page)
    person.box(page, "Current password").fill(PASSWORD)
    person.press(page, "Stop being an admin")
    expect(person.alert(page)).to_contain_text("the last admin")


def stale(page: Page) -> None:
    """Come back after an hour."""
    Session.update(authenticated_at=Session.authenticated_at - 3_600_000).execute()
    release()
    page.goto("/admin/users")
    expect(page).to_have_url("/admin/confirm")


def made(path: str, button: str, **typed: str) -> State:
    """Return the page that shows an address once."""

    def visit(page: Page) -> None:
        person.send(page, path, button, **typed)
        expect(page.get_by_role("alert")).to_contain_text("shown only now")

    return visit


def invited(page: Page) -> None:
    """Look at the invitations."""
    made("/admin/invitations", "Make an invitation", Label=LONG_NAME)(page)
    page.goto("/admin/invitations")


def in_every_state(page: Page) -> None:
    """Look at users of a site, as on the README's picture."""
    for name in ("Anna", "Chloé", "Dmitri"):
        person.join(page, name)
        page.context.clear_cookies()
    User.update(locked_at=now()).where(User.username == "Anna").execute()
    User.update(waiting_since=now()).where(User.username == "Chloé").execute()
    person.join(page)
    rules.grant(user("Jane"), OPERATOR)
    release()
    page.goto("/admin/users")


STATES = {
    "admin, users in every state": in_every_state,
    "admin, overview": admin("/admin"),
    "admin, overview after an act": admin(locked),
    "admin, confirm": admin(stale),
    "admin, users": admin("/admin/users"),
    "admin, users, none": admin("/admin/users?q=nobody"),
    "admin, user": admin(below("Lucy")),
    "admin, user, long name": admin(below(LONG_NAME)),
    "admin, user, oneself": admin(below("Jane")),
    "admin, new user": admin("/admin/users/new"),
    "admin, new user, refused": admin(sent("/admin/users/new", "Create account", Username="x")),
    "admin, new user, made": admin(made("/admin/users/new", "Create account", Username="Mary")),
    "admin, rename": admin(below(RIGHT_TO_LEFT, "/rename")),
    "admin, reset link": admin(below("Lucy", "/reset-link")),
    "admin, reset link, refused": admin(
        refused("/reset-link", "Make the link", Current_password="wrong horse")
    ),
    "admin, role": admin(below("Lucy", "/role")),
    "admin, the last": admin(last),
    "admin, delete": admin(below("Lucy", "/delete")),
    "admin, invitations, none": admin("/admin/invitations"),
    "admin, invitations": admin(invited),
    "admin, events": admin("/admin/events"),
    "admin, tables": admin("/admin/tables"),
    "admin, a table": admin("/admin/tables/session"),
    "admin, a table, none": admin("/admin/tables/event?column=kind&value=x"),
}
