"""Tell the owner of a very common password, or refuse it (PASSWORD_COMMON).

guessing  the passwords that anybody would guess first
"""

from flask import Flask

from accounts import hooks

from .guessing import is_common


def init_app(app: Flask) -> None:
    """Add this feature to the application."""
    hooks.password_checks.append(describe_weakness)


def describe_weakness(password: str, username: str) -> str:
    """Return what is wrong with a password; "" if it is not common."""
    return "very common and easy to guess" if is_common(password, username) else ""
