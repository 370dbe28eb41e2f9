"""The rules that say no. Each message is fit to show to the person it stops.

What is merely absent (no such user, wrong password, no session) is None, not an error.
"""


class AccountError(Exception):
    """A rule was broken; `field` names the form field it is about, if any."""

    field = ""
    text = ""  # when it is always the same

    def __init__(self, text: str = "") -> None:
        super().__init__(text or self.text)


class InvalidUsername(AccountError):
    """The text cannot be a username."""

    field = "username"


class UsernameTaken(AccountError):
    """Another user has this username, perhaps in another spelling."""

    field = "username"
    text = "This username is taken."


class InvalidPassword(AccountError):
    """The text cannot be a password. It is never part of the message."""

    field = "password"


class WrongPassword(AccountError):
    """A signed-in visitor did not know the password of the account."""

    field = "current_password"
    text = "This is not your current password."


class AccountChanged(AccountError):
    """Another browser or the operator changed the account at the same moment."""

    text = (
        "Your account was changed from another browser at the same moment, so nothing was done "
        "here. Check it and try again."
    )


class TooManyAttempts(AccountError):
    """The visitor has to wait; nothing was checked. `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = max(1, retry_after)
        wait = f"{self.retry_after} second{'s' if self.retry_after > 1 else ''}"
        if (minutes := round(self.retry_after / 60)) > 1:
            wait = f"about {minutes} minutes ({wait})"
        super().__init__(f"Too many attempts. Try again in {wait}.")


class Busy(AccountError):
    """Too many passwords are waiting to be hashed; nothing was done."""

    retry_after = 5  # seconds
    text = (
        "Too many people are logging in right now. Nothing was changed. "
        f"Try again in {retry_after} seconds."
    )
