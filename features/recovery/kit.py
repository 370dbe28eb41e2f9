"""The kit of an account: eight codes, each of which sets a new password once."""

from peewee import fn

from accounts import events, hashing, passwords, throttling, users
from accounts.actor import Actor
from accounts.sessions import Reason, SignedIn
from database import database
from models import User, now

from .codes import hash_code, make_code
from .models import RecoveryCode

CODES = 8
KIT_MADE = "recovery_kit_made"  # the kind of event
BY_CODE = "with a recovery code"


def make_kit(current_password: str, actor: Actor) -> list[str]:
    """Return new codes of the user who acts; older ones stop working. Raises WrongPassword,
    TooManyAttempts, Busy, AccountChanged.
    """
    key = users.confirm_password(current_password, actor)
    codes = [make_code() for _ in range(CODES)]
    moment = now()
    with database.atomic():
        users.lock_confirmed(key, actor)
        RecoveryCode.delete().where(RecoveryCode.user == key.user).execute()
        for code in codes:
            RecoveryCode.create(id=hash_code(key.user.id, code), user=key.user, created_at=moment)
        events.record(KIT_MADE, key.user, actor, actor.session.handle)
    return codes


def state_of_kit(user: User) -> tuple[int, int | None]:
    """Return how many codes a user has left, and when they were made (Unix ms, None for never)."""
    code = RecoveryCode.user == user
    columns = fn.COUNT(RecoveryCode.id), fn.MAX(RecoveryCode.created_at)
    left, made_at = RecoveryCode.select(*columns).where(code).scalar(as_tuple=True)
    return left, made_at


def recover(username: str, code: str, password: str, actor: Actor) -> SignedIn | None:
    """Give the owner of a code a new password, use the code up and log them in; None when name and
    code do not belong together (the answer does not say why). Each refusal takes the same way and
    costs the same one hash, that of the new password. Raises InvalidPassword, TooManyAttempts,
    Busy.
    """
    hashing.refuse_when_full()
    account, key = users.find_account(username)
    budgets = throttling.login_budgets(account, actor)
    password_hash = passwords.hash_password(
        passwords.parse_new_password(password, username), budgets
    )
    user = key.user if key else User(id="")
    with database.atomic():
        users.lock_for_update(user)
        if _use_up(user, code):
            users.replace_password(user, password_hash, Reason.PASSWORD_CHANGED, actor, BY_CODE)
            signed_in = users.begin_session(user, actor, BY_CODE)
            throttling.forgive(account, actor)
            return signed_in
    known = user if key else None
    events.record_failed_login(known, actor, budgets, throttling.fingerprint(account))
    return None


def _use_up(user: User, code: str) -> bool:
    may_enter = User.select(User.id).where(User.locked_at.is_null(), User.waiting_since.is_null())
    mine = (RecoveryCode.id == hash_code(user.id, code)) & (RecoveryCode.user == user.id)
    used = RecoveryCode.delete().where(mine, RecoveryCode.user.in_(may_enter)).execute()
    return bool(used)
