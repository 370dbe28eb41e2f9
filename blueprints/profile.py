"""The pages behind the log-in, where users look after their own account."""

from flask import Blueprint, abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from accounts import sessions, settings, users
from accounts.sessions import Reason
from models import Session
from web import words
from web.current_session import current_actor, forget_account, start_session
from web.forms import Form, form_page
from web.paging import page_of

from . import account_pages
from .auth import (
    current_password,
    logout,
    new_password,
    new_username,
    own_username,
    redirect_logged_out,
)

SESSIONS_PER_PAGE = 15  # with 20, a page of long names passes 40 KB

bp = Blueprint("profile", __name__, url_prefix="/profile")
bp.record(lambda state: account_pages.init_app(state.app))


class PasswordForm(Form):
    """A new password."""

    template = "profile/password.html"
    current_password = current_password()
    new_password = new_password("New password")


class UsernameForm(Form):
    """A new username."""

    template = "profile/username.html"
    new_username = new_username(
        "New username", lambda text: users.parse_other_username(text, g.user)
    )
    current_password = current_password()


class DeleteForm(Form):
    """The end of an account."""

    template = "profile/delete.html"
    username = own_username(
        "Type your username", "off", lambda text: users.parse_own_username(text, g.user)
    )
    current_password = current_password()


@bp.get("")
def show() -> ResponseReturnValue:
    """Show what can be done, how things stand, and the details of account and session."""
    latest = g.session.created_at + settings.SESSION_MAX_AGE
    until = min(g.session.idle_expires_at, latest)
    rows = account_pages.rows(g.session)
    return render_template("profile/show.html", rows=rows, until=until, latest=latest)


@bp.route("/password", methods=["GET", "POST"])
@form_page(PasswordForm)
def change_password(form: PasswordForm) -> ResponseReturnValue:
    """Change the password; every other browser is logged out."""
    current, new = form.current_password.data, form.new_password.data
    start_session(users.change_password(current, new, current_actor()), new)
    flash("Your password has been changed. All other browsers have been logged out.", "success")
    return redirect(url_for(".show"))


@bp.route("/username", methods=["GET", "POST"])
@form_page(UsernameForm)
def change_username(form: UsernameForm) -> ResponseReturnValue:
    """Change the username; the old one no longer logs in."""
    users.change_username(form.new_username.data, form.current_password.data, current_actor())
    flash("Your username has been changed. From now on, log in with the new one.", "success")
    return redirect(url_for(".show"))


@bp.get("/sessions")
def list_sessions() -> ResponseReturnValue:
    """List every browser in which the user is logged in, this one first."""
    this_first = (Session.id == g.session.id).desc(), Session.last_seen_at.desc(), Session.id
    page = page_of(sessions.live_sessions(g.user).order_by(*this_first), SESSIONS_PER_PAGE)
    return render_template("profile/sessions.html", page=page)


@bp.post("/sessions/<handle>/end")
def end_session(handle: str) -> ResponseReturnValue:
    """End one session; this browser's own is a log-out."""
    session = sessions.find_session(handle, g.user) or abort(404)
    if session.id == g.session.id:
        return logout()
    sessions.invalidate_session(session, Reason.ENDED_ELSEWHERE, current_actor())
    flash(f"{words.describe_browser(session.user_agent)} has been logged out.", "success")
    return redirect(url_for(".list_sessions"))


@bp.post("/sessions/end-others")
def end_other_sessions() -> ResponseReturnValue:
    """End all sessions but this one."""
    reason, actor = Reason.ENDED_ELSEWHERE, current_actor()
    sessions.invalidate_user_sessions(g.user, reason, actor, keep=g.session)
    flash("All other browsers have been logged out.", "success")
    return redirect(url_for(".list_sessions"))


@bp.route("/delete", methods=["GET", "POST"])
@form_page(DeleteForm)
def delete(form: DeleteForm) -> ResponseReturnValue:
    """Delete the account and everything that belongs to it."""
    users.delete_account(form.username.data, form.current_password.data, current_actor())
    forget_account()
    flash("Your account and everything that belonged to it has been deleted.", "success")
    return redirect_logged_out()
