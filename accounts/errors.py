"""The rules that say no. Each text is fit to be shown to the person it stops.

What is merely absent (no such user, wrong password, no session) is None, not an error.
"""


class AccountError(Exception):
    """A rule of accounts was broken; `field` names the form field it is about, if one."""

    field = ""


class InvalidUsername(AccountError):
    """The text cannot be a username."""

    field = "username"


class UsernameTaken(AccountError):
    """Somebody has this username, perhaps in another spelling."""

    field = "username"


class InvalidPassword(AccountError):
    """The text cannot be a password. It is never part of the message."""

    field = "password"


class WrongPassword(AccountError):
    """Somebody who is signed in did not know the password of the account."""

    field = "current_password"


class TooManyAttempts(AccountError):
    """Somebody has to wait; nothing was looked at. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = max(1, retry_after)
        super().__init__(f"Too many tries. Please try again in {self._in_words()}.")

    def _in_words(self) -> str:
        seconds = f"{self.retry_after} second{'s' if self.retry_after > 1 else ''}"
        minutes = round(self.retry_after / 60)
        return f"about {minutes} minutes ({seconds})" if minutes > 1 else seconds


class ImportRefused(AccountError):
    """A file cannot be imported; nothing was."""


class Busy(AccountError):
    """Too many passwords wait for their hash; nothing was done."""

    retry_after = 5  # seconds

    def __init__(self) -> None:
        super().__init__(
            "Very many people are logging in just now. Nothing was changed. "
            f"Please try again in {self.retry_after} seconds."
        )
