"""What admins do with a form: make, rename, help, promote and delete users; invite people."""

from typing import Any

from flask import abort, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField
from wtforms.widgets import HiddenInput

from accounts import hooks, users
from accounts.actor import Actor
from accounts.errors import AccountError, InvalidUsername, UsernameTaken
from blueprints.auth import current_password, new_username, redirect_logged_out
from models import User
from web import words
from web.current_session import current_actor, forget_account
from web.forms import Form, Text, form_page

from . import rules
from .gate import bp
from .pages import find, offered

HOURS = 24  # that a reset link works
LISTED = 25  # invitations; `flask invitations list` has all
LINK_HOURS_MAX, USES_MAX, DAYS_MAX, LABEL_MAX = 72, 100_000, 3650, 100


class WrongNumber(AccountError):
    """The text is no number, or too high or low a one."""


def number(label: str, least: int, most: int, default: int) -> Any:
    """Return the field for a whole number, which may be left out."""

    def parse(text: str) -> int:
        typed = text.strip() or str(default)
        is_short_number = typed.isascii() and typed.isdigit() and len(typed) < 10
        if not (is_short_number and least <= int(typed) <= most):
            raise WrongNumber(f"{label}: enter a number from {least} to {most:,}.")
        return int(typed)

    hint = f"{least} to {most:,}; {default} if you leave it empty."
    field = {"description": hint, "missing": ""}
    return Text(label, parse, **field)  # type: ignore[arg-type]


class NewForm(Form):
    """A user who will choose their password."""

    template = "admin/new.html"
    username = new_username("Username")


class RenameForm(Form):
    """Another name for a user."""

    template = "admin/rename.html"
    new_username = new_username("New username")


class LinkForm(Form):
    """A link where a user chooses a password."""

    template = "admin/reset_link.html"
    hours = number("Hours that it works", 1, LINK_HOURS_MAX, HOURS)
    current_password = current_password()


def parse_role(text: str) -> str:
    """Return the role to give, "" for the one that the user has not. Raises AccountError."""
    if text not in ("", "admin", "member"):
        raise AccountError("A role is admin or member.")
    return text


class RoleForm(Form):
    """Whether a user is an admin. role: the one that the page offered."""

    template = "admin/role.html"
    role = Text("Role", parse_role, widget=HiddenInput())
    current_password = current_password()


class DeleteForm(Form):
    """The end of an account."""

    template = "admin/delete.html"
    username = Text("Type the username", missing="Enter the username of this user.")
    current_password = current_password()


class InvitationForm(Form):
    """An invitation."""

    template = "admin/invitations.html"
    label = Text("Label", limits=(0, LABEL_MAX))
    uses = number("Accounts that it can make", 1, USES_MAX, 1)
    days = number("Days that it works", 1, DAYS_MAX, 7)
    admin = BooleanField("Of an admin: for one account")


def _target(user_id: str) -> dict[str, Any]:
    return {"user": find(user_id)}


def _back(user_id: str, done: str) -> ResponseReturnValue:
    flash(done, "success")
    return redirect(url_for(".show_user", user_id=user_id))


def _show_once(title: str, page: str, token: str, **more: Any) -> ResponseReturnValue:
    # Not _external=True: that is http:// where the proxy in front is not counted in PROXY_HOPS.
    site = current_app.config["PUBLIC_URL"] or request.host_url.rstrip("/")
    address = f"{site}{url_for(page, token=token)}"
    return render_template("admin/once.html", title=title, address=address, **more)


@bp.route("/users/new", methods=["GET", "POST"])
@form_page(NewForm, prepare=lambda: {"make": offered("create_user_with_link")})
def create_user(form: NewForm) -> ResponseReturnValue:
    """Make an account, and show the link where its owner chooses a password."""
    user, token = _make_user(form.username.data, current_actor())
    return _show_link(user, token, HOURS, "The account has been created")


def _make_user(name: str, actor: Actor) -> tuple[User, str]:
    try:
        with rules.as_admin(actor):
            made: tuple[User, str] = offered("create_user_with_link")(name, HOURS, actor)
            return made
    except UsernameTaken:
        if not any(excuses(actor) for excuses in hooks.excuses):
            raise
        # This very form has made the account, and its answer was lost: another link replaces that.
        _, key = users.find_account(name)
        if key is None:
            raise
        return key.user, rules.act(_make_another_link, key.user, actor)


def _make_another_link(user: User, actor: Actor) -> str:
    if not rules.is_unfinished(user, actor):  # the name is a member's now, or always was
        raise UsernameTaken
    return str(offered("make_link")(user, HOURS, actor))


def _show_link(user: User, token: str, hours: int, title: str) -> ResponseReturnValue:
    return _show_once(title, "recovery.reset", token, user=user, hours=hours)


@bp.route("/users/<user_id>/rename", methods=["GET", "POST"])
@form_page(RenameForm, prepare=_target)
def rename(form: RenameForm, user_id: str) -> ResponseReturnValue:
    """Give a user another name, by the rules of sign-up."""
    name, target = form.new_username.data, find(user_id)
    if target == g.user:
        raise AccountError("This is you. Change your own username on your profile.")
    rules.act(lambda user, actor: users.rename_user(user, name, actor), target, current_actor())
    return _back(user_id, f"The username is {words.isolate(name)} now. The old one is free.")


@bp.route("/users/<user_id>/reset-link", methods=["GET", "POST"])
@form_page(LinkForm, prepare=lambda user_id: {**_target(user_id), "make": offered("make_link")})
def make_link(form: LinkForm, user_id: str) -> ResponseReturnValue:
    """Show a link where a user chooses a password."""
    user, hours = find(user_id), form.hours.data
    make, password = offered("make_link"), form.current_password.data
    token = rules.act(lambda user, actor: make(user, hours, actor), user, current_actor(), password)
    return _show_link(user, token, hours, "A reset link")


@bp.route("/users/<user_id>/role", methods=["GET", "POST"])
@form_page(RoleForm, prepare=_target)
def change_role(form: RoleForm, user_id: str) -> ResponseReturnValue:
    """Make a user an admin, or an admin none."""
    user = find(user_id)
    promotes = form.role.data == "admin" or (not form.role.data and user.admin_since is None)
    change = rules.grant if promotes else rules.revoke
    rules.act(change, user, current_actor(), form.current_password.data)
    name = words.isolate(user.username)
    if user == g.user:
        flash("You are no longer an admin.", "success")
        return redirect(url_for("profile.show"))
    return _back(user_id, f"{name} is {'an admin now' if promotes else 'no longer an admin'}.")


@bp.route("/users/<user_id>/delete", methods=["GET", "POST"])
@form_page(DeleteForm, prepare=_target)
def delete_user(form: DeleteForm, user_id: str) -> ResponseReturnValue:
    """Delete an account and everything that belongs to it."""
    user, actor = find(user_id), current_actor()
    _check_name(form.username.data, user)
    rules.act(users.delete_user, user, actor, form.current_password.data)
    if user == g.user:
        forget_account()
    flash("The account and everything that belonged to it has been deleted.", "success")
    return redirect_logged_out() if user == g.user else redirect(url_for(".list_users"))


def _check_name(text: str, user: User) -> None:
    try:
        users.parse_own_username(text, user)
    except InvalidUsername:
        raise InvalidUsername("This is not the username of this user.") from None


def _invitations() -> dict[str, Any]:
    return {"invitations": list(offered("list_invitations")().limit(LISTED)), "listed": LISTED}


@bp.route("/invitations", methods=["GET", "POST"])
@form_page(InvitationForm, prepare=_invitations)
def invite(form: InvitationForm) -> ResponseReturnValue:
    """List invitations; make one, and show its address."""
    actor, make = current_actor(), offered("create_invitation")
    with rules.as_admin(actor):
        given = form.uses.data, form.days.data, form.label.data, form.admin.data
        invitation, token = make(*given, actor)
    return _show_once("An invitation", "invitations.use", token, invitation=invitation)


@bp.post("/invitations/<handle>/revoke")
def revoke_invitation(handle: str) -> ResponseReturnValue:
    """Make an invitation useless."""
    actor, revoke = current_actor(), offered("revoke_invitation")
    try:
        with rules.as_admin(actor):
            revoke(handle, actor)
    except rules.NotAllowed:
        raise
    except AccountError:
        abort(404)
    flash("The invitation has been revoked. Accounts made with it stay.", "success")
    return redirect(url_for(".invite"))
