"""Overview, users, one user, what is done to them with a button, and the events of everybody."""

from collections.abc import Callable
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from accounts import events, hooks, sessions, users
from accounts.actor import Actor
from accounts.errors import AccountError
from models import Session, User, now
from web import words
from web.current_session import current_actor

from . import people, record, rules
from .gate import bp

SHOWN = 10  # sessions, events and acts, where there is a page with all
ARG_MAX = 255  # characters
AFTER_MAX = 4_000  # a place in the order by a column of 255 characters, as JSON
PLACES = (  # and what another feature has to do for it
    ("Overview", "admin.overview", ""),
    ("Users", "admin.list_users", ""),
    ("New user", "admin.create_user", "create_user_with_link"),
    ("Invitations", "admin.invite", "create_invitation"),
    ("Events", "admin.list_events", ""),
    ("Tables", "admin.list_tables", ""),
    ("Your profile", "profile.show", ""),
)


def panel() -> str:
    """Return the way to these pages, for the profile of an admin."""
    if g.user.admin_since is None:
        return ""
    return Markup(render_template("admin/panel.html"))  # noqa: S704


def arg(name: str, choices: Any = None) -> str:
    """Return what the address asks for, "" if it cannot be that; of choices the first."""
    text = request.args.get(name, "")
    if choices is not None:
        return text if text in choices else str(next(iter(choices)))
    most = AFTER_MAX if name == "after" else ARG_MAX
    return text if people.is_text(text) and len(text) <= most else ""


def filled(**asked: str) -> dict[str, str]:
    """Return what was asked for, without what was left empty."""
    return {name: value for name, value in asked.items() if value}


def find(user_id: str) -> Any:
    """Return a user with facts for the page about them, or answer 404."""
    return (people.is_text(user_id) and people.with_facts(user_id)) or abort(404)


def offered(name: str) -> Callable[..., Any]:
    """Return what another feature does for this one, or answer 404 where that was taken out."""
    return dict(hooks.offers).get(name) or abort(404)


@bp.app_template_global()
def places() -> list[tuple[str, str]]:
    """Return the pages that stand beside each, as title and endpoint."""
    return [
        (title, endpoint) for title, endpoint, offer in PLACES if not offer or is_offered(offer)
    ]


@bp.app_template_global()
def is_offered(name: str) -> bool:
    """Return whether another feature does this."""
    return name in dict(hooks.offers)


for word in (words.describe_event, words.describe_origin):
    bp.add_app_template_filter(word)


@bp.get("")
def overview() -> ResponseReturnValue:
    """Show how many there are of what, and the last acts of admins."""
    states = {state: people.STATES[state]() for state in people.RARE}
    numbers = {"all": people.count_at_most(User.select(User.id))} | {
        state: people.count_at_most(User.select(User.id).where(condition))
        for state, condition in states.items()
    }
    # Of those that are dead only because SESSION_MAX_AGE was shortened no index knows.
    live = people.count_at_most(Session.select(Session.id).where(Session.idle_expires_at >= now()))
    acts = record.acts_of_admins(SHOWN)
    return render_template("admin/overview.html", numbers=numbers, live=live, acts=acts)


@bp.get("/users")
def list_users() -> ResponseReturnValue:
    """List users, a page at a time."""
    asked = {"q": arg("q").strip(), "state": arg("state", people.STATES)}
    asked["sort"] = arg("sort", people.ORDERS)
    page = people.list_users(asked["q"], asked["state"], asked["sort"], arg("after"))
    states = {state: state.replace("-", " ").capitalize() for state in people.STATES}
    known = {"states": states, "orders": people.ORDERS}
    return render_template("admin/users.html", page=page, asked=filled(**asked), **known)


@bp.get("/users/<user_id>")
def show_user(user_id: str) -> ResponseReturnValue:
    """Show one user, and what can be done."""
    user = find(user_id)
    live = list(sessions.live_sessions(user).limit(SHOWN))
    recent = list(events.events_of(user).limit(SHOWN))
    return render_template("admin/user.html", user=user, live=live, events=recent)


def act(user_id: str, change: Callable[[User, Actor], Any], done: str) -> ResponseReturnValue:
    """Do something to a user, and say that it is done. Refusals are shown on their page."""
    user = find(user_id)
    try:
        rules.act(change, user, current_actor())
    except (rules.LastAdmin, rules.OtherAdmin) as refusal:
        return refused(user_id, refusal)
    flash(f"{words.isolate(user.username)} {done}", "success")
    return redirect(url_for(".show_user", user_id=user_id))


def refused(user_id: str, refusal: AccountError) -> ResponseReturnValue:
    """Return the page of a user with why nothing was done."""
    flash(str(refusal), "warning")
    return show_user(user_id), 400  # type: ignore[return-value]


@bp.post("/users/<user_id>/lock")
def lock(user_id: str) -> ResponseReturnValue:
    """Keep a user out."""
    return act(user_id, users.lock_user, "has been locked and logged out everywhere.")


@bp.post("/users/<user_id>/unlock")
def unlock(user_id: str) -> ResponseReturnValue:
    """Let a locked user in again."""
    return act(user_id, users.unlock_user, "has been unlocked.")


@bp.post("/users/<user_id>/approve")
def approve(user_id: str) -> ResponseReturnValue:
    """Let a user in who waits for it."""
    return act(user_id, offered("approve_user"), "has been approved. Tell them yourself.")


@bp.post("/users/<user_id>/sessions/end")
def end_sessions(user_id: str) -> ResponseReturnValue:
    """Log a user out everywhere, but in this browser."""
    user = find(user_id)
    rules.end_sessions(user, current_actor())
    where = "everywhere else" if user == g.user else "everywhere"
    flash(f"{words.isolate(user.username)} has been logged out {where}.", "success")
    return redirect(url_for(".show_user", user_id=user_id))


@bp.post("/users/<user_id>/sessions/<handle>/end")
def end_session(user_id: str, handle: str) -> ResponseReturnValue:
    """Log a user out of one browser."""
    session = sessions.find_session(handle, find(user_id)) or abort(404)
    rules.end_session(session, current_actor())
    flash(f"{words.describe_browser(session.user_agent)} has been logged out.", "success")
    return redirect(url_for(".show_user", user_id=user_id))


@bp.get("/events")
def list_events() -> ResponseReturnValue:
    """List what happened to everybody, newest first."""
    asked = {name: arg(name).strip() for name in ("kind", "actor", "user")}
    page = record.list_events(after=arg("after"), **asked)
    known = {"asked": filled(**asked), "kinds": words.EVENTS}
    return render_template("admin/events.html", page=page, **known)
