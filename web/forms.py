"""Forms, and how a form page works: a field says once what it is called, what helps to fill it in
and what it may hold, and the macros in templates/_fields.html show all that.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from flask import g, get_template_attribute, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from wtforms import StringField, ValidationError
from wtforms.widgets import HiddenInput, TextInput

from accounts.errors import AccountError

from .current_session import csrf_token

AS_TYPED = {"autocapitalize": "none", "autocorrect": "off", "spellcheck": "false"}


class Text(StringField):
    """A line to type exactly: a name, a code. For prose take StringField or TextAreaField. parse: a
    rule, called with what was typed. `data` becomes what it returns; the text of its AccountError,
    the message. limits: the least and most characters, which enhance.js counts as the rule does.
    Not maxlength: browsers count UTF-16 units and silently cut what is pasted. missing: what to
    say when nothing was typed, if not what the rule says.
    """

    widget = TextInput()
    data: Any

    def __init__(
        self,
        label: str,
        parse: Callable[[str], Any] = str,
        limits: tuple[int, int] | None = None,
        autocomplete: str = "off",
        missing: str = "",
        **options: Any,
    ) -> None:
        counted = {"data-min": limits[0], "data-max": limits[1]} if limits else {}
        attributes = {**AS_TYPED, "autocomplete": autocomplete, **counted}
        super().__init__(label, default="", render_kw=attributes, **options)
        self.parse = parse
        self.missing = missing
        self.flags.required = not self.flags.optional

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Apply the rule, unless a validator has decided already."""
        if not (validation_stopped or self.errors):
            if self.missing and not self.data:
                raise ValidationError(self.missing)
            try:
                self.data = self.parse(self.data)
            except AccountError as error:
                raise ValidationError(str(error)) from None

    def _value(self) -> Any:
        typed = self.raw_data[0] if self.raw_data else self.data
        return str(typed) if typed else False  # no such attribute


class Password(Text):
    """The same, never put back into the page."""

    widget = TextInput("password")

    def _value(self) -> Any:
        return False


class Form(FlaskForm):
    """A form that knows the template of its page."""

    template: ClassVar[str]
    alert: str | None = None  # what is wrong with the form as a whole
    context: Mapping[str, Any] = {}  # what else its template shows

    class Meta(FlaskForm.Meta):
        csrf = False  # the guard has checked every unsafe request

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """Only posted fields count: no query string, no JSON, no files."""
            posted = formdata is not None and request.method == "POST"
            return request.form if posted else None

    @property
    def csrf_token(self) -> Markup:
        """The hidden field that the guard wants back; each visitor's own, so never kept."""
        token = escape(csrf_token())
        return Markup(f'<input type="hidden" name="csrf_token" value="{token}">')  # noqa: S704

    def hidden_tag(self, *fields: Any) -> Markup:
        """Return the hidden fields, the CSRF token first."""
        return self.csrf_token + Markup(super().hidden_tag(*fields))  # noqa: S704

    def fields(self) -> Markup:
        """Return the other fields, each with its label, hint and errors."""
        show = get_template_attribute("_fields.html", "field")
        return Markup().join(show(one) for one in self if not isinstance(one.widget, HiddenInput))

    @classmethod
    def unsent(cls) -> "Form":
        """Return the form to show first."""
        return cls(formdata=None)

    def page(
        self, status: int, alert: str | None = None, *, again: bool = False
    ) -> tuple[str, int]:
        """Return the page with this form as typed (but for passwords), and what is wrong. again:
        the password was; enhance.js keeps the right ones.
        """
        if alert or self.errors:
            self.alert = alert
            wrong = [each for each in self if each.errors]
            for field in (wrong or [each for each in self if isinstance(each, Password)])[:1]:
                vars(field).update(focus=True, alerted=bool(alert), wrong=again)
        return render_template(self.template, **{**self.context, "form": self}), status


def form_page(
    form_class: type[Form], prepare: Callable[..., Any] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a view the action of a form page. GET shows the form. The view is called with a valid
    form, and only has to act and redirect; an invalid one is shown again as typed, status 400. So
    are other refusals (an expired form, a busy server, a database fault), see errors.py.

    prepare: called first with what the address holds (`note_id` in "/notes/<note_id>"), also for a
    form that is about to be refused: it must only read. It may abort(404), or return a page to show
    instead, or a dict: on GET it fills in the fields of these names, and the template can use it.
    """

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        def make_form(**values: Any) -> Any:
            context = (prepare(**values) if prepare else None) or {}
            if not isinstance(context, dict):
                return context
            if request.method == "POST":
                form = g.form = form_class()
            elif context:
                form = form_class(formdata=None, data=context)
            else:
                return form_class.unsent()
            form.context = context
            return form

        @functools.wraps(view)
        def page(**values: Any) -> ResponseReturnValue:
            form = make_form(**values)
            if not isinstance(form, Form):
                return form  # type: ignore[no-any-return] # a page in its place
            if request.method != "POST":
                return form.page(200)
            try:
                return view(form, **values) if form.validate() else form.page(400)
            except AccountError as error:
                names = [name for name in (error.field, f"new_{error.field}") if name in form]
                if not names:
                    raise
                form[names[0]].errors = [str(error)]
                return form.page(400)

        page.make_form = make_form  # type: ignore[attr-defined] # for the guard
        return page

    return decorate
