"""Log in, and confirm the password again before something important."""

from database import database
from models import Key, Session, User

from .. import events, hashing, passwords, sessions, throttling
from ..actor import Actor
from ..errors import AccountChanged, AccountError, WrongPassword
from ..events import Kind
from ..sessions import SignedIn
from .lookup import find_account, lock_unchanged, login_keys


def log_in(username: str, password: str, actor: Actor) -> SignedIn | None:
    """Log a user in; None when the name or the password is wrong (the answer does not say which).
    An unknown name, a locked user, a key without a password and a wrong password take the same
    way and cost the same one hash. Raises TooManyAttempts, Busy, what create_session raises.
    """
    hashing.refuse_when_full()
    for _ in range(2):  # again if another log-in has just replaced the hash with a better one
        account, key = find_account(username)
        budgets = throttling.login_budgets(account, actor)
        stored = key.password_hash if key else None
        known_hash = passwords.verify_password(password, [stored], budgets)
        if key is None or known_hash is None or key.user.locked_at:
            user = key.user if key else None
            events.record_failed_login(user, actor, budgets, throttling.fingerprint(account))
            return None
        better_hash = passwords.better_hash(password, known_hash)
        try:
            with database.atomic():
                signed_in = _sign_in(key, better_hash, actor) if lock_unchanged(key) else None
                throttling.forgive(account, actor)  # last: counters are shared with others
        except AccountError:  # not let in, though the password was right
            with database.atomic():
                throttling.forgive(account, actor)
            raise
        if signed_in:
            return signed_in
    return None


def begin_session(user: User, actor: Actor, detail: str = "") -> SignedIn:
    """Log a user in, in the transaction that has locked them. detail: how, if not by password."""
    signed_in = sessions.create_session(user, actor)
    events.record(Kind.LOGIN_SUCCESS, user, actor, signed_in.handle, detail)
    return signed_in


def _sign_in(key: Key, better_hash: str | None, actor: Actor) -> SignedIn:
    if better_hash:
        name = (Key.provider == key.provider) & (Key.provider_user_id == key.provider_user_id)
        Key.update(password_hash=better_hash).where(name).execute()
        events.record(Kind.PASSWORD_UPGRADE, key.user, actor)
    return begin_session(key.user, actor)


def confirm_password(password: str, actor: Actor) -> Key:
    """Return the key that this password of the user who acts opens. A wrong one counts as a failed
    log-in. Raises WrongPassword, TooManyAttempts, Busy.
    """
    user = actor.session.user
    # An imported user may have several keys; they are tried in turn, as one try.
    query = Key.select(Key, User).join(User).where(login_keys(user))
    keys = {key.password_hash: key for key in query}
    budgets = throttling.login_budgets(user.id, actor)
    known_hash = passwords.verify_password(password, list(keys) or [None], budgets)
    if known_hash is None:
        events.record_failed_login(user, actor, budgets, session=actor.session.handle)
        raise WrongPassword
    with database.atomic():
        throttling.forgive(user.id, actor)
    return keys[known_hash]


def lock_confirmed(key: Key, actor: Actor) -> None:
    """Lock the user in the transaction that acts on a confirmation. Raises AccountChanged if it no
    longer holds: of two changes at once only the first has seen the account as it is.
    """
    unchanged = lock_unchanged(key)
    if not (unchanged and Session.select().where(Session.id == actor.session.id).exists()):
        raise AccountChanged
