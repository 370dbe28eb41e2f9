"""Accounts that wait for approval: they exist, but no one is logged in to them."""

from accounts import events, users
from accounts.actor import Actor
from accounts.errors import AccountError
from accounts.users.changing import ask_vetoes
from accounts.users.lookup import lock_for_update
from database import database
from models import User, now

USER_APPROVED = "user_approved"
IS_WAITING = User.waiting_since.is_null(False)


class WaitingForApproval(AccountError):
    """The password is right, but the account has not been approved yet."""

    text = (
        "Your account is still waiting for approval. You can log in as soon as the person who "
        "runs this site has approved it."
    )


def refuse_waiting(user: User) -> None:
    """Raise WaitingForApproval if a user may not be logged in yet."""
    if user.waiting_since is not None:
        raise WaitingForApproval


def sign_up_to_wait(username: str, password: str, actor: Actor) -> User:
    """Create an account that waits for approval. Raises what users.sign_up raises."""

    def wait(user: User, _actor: Actor) -> User:
        User.update(waiting_since=now()).where(User.id == user.id).execute()
        return user

    return users.make_account(username, password, actor, wait, "waits for approval")


def approve_user(user: User, actor: Actor) -> None:
    """Let a user who waits for it log in. Raises AccountError if they do not wait."""
    with database.atomic():
        _lock_waiting(user)
        User.update(waiting_since=None).where(User.id == user.id).execute()
        events.record(USER_APPROVED, user, actor)


def reject_user(user: User, actor: Actor) -> None:
    """Delete a user who waits for approval. Raises AccountError if they do not wait."""
    with database.atomic():
        ask_vetoes(user, actor)
        _lock_waiting(user)
        users.delete_user(user, actor)


def _lock_waiting(user: User) -> None:
    # Looked at again under the lock: what was just approved must not be deleted.
    lock_for_update(user)
    if not User.select().where(User.id == user.id, IS_WAITING).exists():
        raise AccountError(f"{user.username} does not wait for approval, so nothing was done.")
