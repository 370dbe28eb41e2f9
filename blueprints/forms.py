"""Every form, and the way a form page works.

Limits and messages are those of accounts, asked for, never typed again.
"""

import functools
from collections.abc import Callable
from typing import Any, ClassVar

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import Field, PasswordField, StringField, ValidationError

from accounts import passwords, usernames
from accounts.errors import AccountError

from .guard import SessionCSRF


class Form(FlaskForm):
    """A form that knows the page it stands on."""

    template: ClassVar[str]
    username_min = usernames.USERNAME_MIN
    username_max = usernames.USERNAME_MAX
    password_min = passwords.PASSWORD_MIN
    password_max = passwords.PASSWORD_MAX

    class Meta(FlaskForm.Meta):
        csrf_class = SessionCSRF  # type: ignore[assignment]

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """Only posted fields count: no query string, no JSON, no files."""
            return request.form if request.method == "POST" else None

    @classmethod
    @functools.cache
    def unsent(cls) -> "Form":
        """Return the form that everybody is shown: made once, since that is a fifth of the page's
        time. Never write to it, what one visitor typed would be shown to all; and a default or
        choices that are worked out are so once.
        """
        return cls(formdata=None)

    def page(self, status: int, alert: str | None = None) -> tuple[str, int]:
        """Return the page with this form as typed (but for passwords), and what is wrong."""
        return render_template(self.template, form=self, alert=alert), status

    def field_for(self, error: AccountError) -> Field | None:
        """Return the field that a refusal is about; that of "password" may be "new_password"."""
        names = (error.field, f"new_{error.field}")
        return next((self[name] for name in names if name in self), None)


def form_page(form_class: type[Form]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a view the action of a form page: it is called with the form when a valid one was
    posted, and only has to act and redirect.

    GET shows the form; a post that breaks a rule shows it again as typed with the message at
    its field, status 400. Other refusals (a lost CSRF token, a busy server, a database that
    does not answer) come back to this page too, see errors.py.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def page(**values: Any) -> ResponseReturnValue:
            if request.method != "POST":
                form = g.form = form_class.unsent()
                return form.page(200)
            form = g.form = form_class()
            try:
                return view(form, **values) if form.validate() else form.page(400)
            except AccountError as error:
                if (field := form.field_for(error)) is None:
                    raise
                field.errors = [str(error)]
                return form.page(400)

        page.form_class = form_class  # type: ignore[attr-defined]
        return page

    return decorate


def follows(rule: Callable[[str], object]) -> Callable[[Form, Field], None]:
    """Return a validator that asks a function of accounts, whose refusal is the message."""

    def validate(form: Form, field: Field) -> None:
        try:
            rule(field.data)
        except AccountError as error:
            raise ValidationError(str(error)) from None

    return validate


class Text(StringField):
    """A line of text; a missing one counts as empty."""

    data: str


class Password(PasswordField):
    """The same, never put back into the page."""

    data: str


class SignupForm(Form):
    """A new account."""

    template = "auth/signup.html"
    username = Text(default="", validators=[follows(usernames.parse_username)])
    password = Password(default="", validators=[follows(passwords.normalize_password)])


class LoginForm(Form):
    """A name and a password to be checked: the rules are those of any account ever made here
    or imported, shorter names and passwords included.
    """

    template = "auth/login.html"
    username = Text(default="", validators=[follows(usernames.check_login_length)])
    password = Password(default="", validators=[follows(passwords.check_login_length)])


class PasswordForm(Form):
    """A new password."""

    template = "profile/password.html"
    current_password = Password(default="", validators=[follows(passwords.check_login_length)])
    new_password = Password(default="", validators=[follows(passwords.normalize_password)])


class UsernameForm(Form):
    """A new username."""

    template = "profile/username.html"
    new_username = Text(default="", validators=[follows(usernames.parse_username)])
    current_password = Password(default="", validators=[follows(passwords.check_login_length)])


class DeleteForm(Form):
    """The end of an account."""

    template = "profile/delete.html"
    username = Text(default="", validators=[follows(usernames.check_login_length)])
    current_password = Password(default="", validators=[follows(passwords.check_login_length)])
