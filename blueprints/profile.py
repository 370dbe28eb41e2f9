"""The pages behind the log-in: people look after their own account."""

import json
import re

from flask import Blueprint, Response, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from accounts import activity, sessions, users
from accounts.export import export_account
from accounts.sessions import Reason

from .auth import forgetful_redirect, logout
from .current_session import current_client, forget_account, password_is_common, start_session
from .forms import DeleteForm, PasswordForm, UsernameForm, form_page

bp = Blueprint("profile", __name__, url_prefix="/profile")


@bp.get("")
def show() -> ResponseReturnValue:
    """Who is signed in, and since when."""
    return render_template(
        "profile/show.html", current_session=g.session, password_is_common=password_is_common()
    )


@bp.route("/password", methods=["GET", "POST"])
@form_page(PasswordForm)
def change_password(form: PasswordForm) -> ResponseReturnValue:
    """Change the password; every other browser is signed out."""
    current, new = form.current_password.data, form.new_password.data
    start_session(users.change_password(g.session, current, new, current_client()))
    flash("Your password has been changed. Every other browser was logged out.", "success")
    return redirect(url_for(".show"))


@bp.route("/username", methods=["GET", "POST"])
@form_page(UsernameForm)
def change_username(form: UsernameForm) -> ResponseReturnValue:
    """Change the username; the old one no longer logs in."""
    new, current = form.new_username.data, form.current_password.data
    users.change_username(g.session, new, current, current_client())
    flash("Your username has been changed. From now on, log in with the new one.", "success")
    return redirect(url_for(".show"))


@bp.get("/sessions")
def list_sessions() -> ResponseReturnValue:
    """Every browser in which the user is signed in."""
    mine = list(sessions.live_sessions(g.user))
    others = [session for session in mine if session.id != g.session.id]
    return render_template("profile/sessions.html", current_session=g.session, others=others)


@bp.post("/sessions/<handle>/end")
def end_session(handle: str) -> ResponseReturnValue:
    """End one of them; this browser's own is a log-out."""
    session = sessions.find_session(handle, g.user) or abort(404)
    if session.id == g.session.id:
        return logout()
    sessions.invalidate_session(session, Reason.ENDED_ELSEWHERE, current_client())
    flash("That browser has been logged out.", "success")
    return redirect(url_for(".list_sessions"))


@bp.post("/sessions/end-others")
def end_other_sessions() -> ResponseReturnValue:
    """End all of them but this one."""
    sessions.invalidate_user_sessions(
        g.user, Reason.ENDED_ELSEWHERE, current_client(), keep=g.session
    )
    flash("Every other browser has been logged out.", "success")
    return redirect(url_for(".list_sessions"))


@bp.get("/activity")
def show_activity() -> ResponseReturnValue:
    """What happened to the account, newest first."""
    asked = request.args.get("page", "")
    number = int(asked) if re.fullmatch("[1-9][0-9]{0,5}", asked) else 1
    return render_template("profile/activity.html", page=activity.page_of_events(g.user, number))


@bp.get("/export")
def export() -> ResponseReturnValue:
    """Everything stored about the account, as a file."""
    content = json.dumps(export_account(g.user), indent=2, ensure_ascii=False) + "\n"
    response = Response(content, mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="vestibule-account.json"'
    return response


@bp.route("/delete", methods=["GET", "POST"])
@form_page(DeleteForm)
def delete(form: DeleteForm) -> ResponseReturnValue:
    """Delete the account and everything of it."""
    typed, current = form.username.data, form.current_password.data
    users.delete_account(g.session, typed, current, current_client())
    forget_account()
    flash("Your account and everything of it has been deleted.", "success")
    return forgetful_redirect()
