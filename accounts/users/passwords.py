"""A new password."""

from database import database, release
from models import Key, Session, User

from .. import common_passwords, events, passwords, sessions
from ..client import COMMAND_LINE, Client
from ..errors import AccountError, InvalidPassword
from ..events import Kind
from ..sessions import Reason, SignedIn
from .authenticating import prove_again
from .finding import claim, login_keys


def change_password(
    session: Session, current_password: str, new_password: str, client: Client
) -> SignedIn:
    """Give the owner of a session a new password, end all their other sessions, and renew the
    token of this one: a copy of its cookie ends too.

    Raises WrongPassword, InvalidPassword, TooManyAttempts, Busy, and AccountError when somebody
    else has just changed the account.
    """
    user = session.user
    password = _checked(new_password, user)
    proof = prove_again(session, current_password, client)
    if passwords.same_password(password, current_password):
        raise InvalidPassword("The new password is the same as the current one.")
    release()
    password_hash = passwords.hash_password(password)
    with database.atomic():
        proof.check()
        Key.update(password_hash=password_hash).where(login_keys(user)).execute()
        sessions.invalidate_user_sessions(user, Reason.PASSWORD_CHANGED, client, keep=session)
        signed_in = sessions.renew_token(session, Reason.PASSWORD_CHANGED, client)
        events.record(Kind.PASSWORD_CHANGE, user, client, signed_in.handle)
    return signed_in._replace(common=common_passwords.is_common(password, user.username))


def set_password(user: User, password: str) -> int:
    """Give a user a new password and end all their sessions; return how many there were.

    Raises InvalidPassword, Busy, and AccountError where there is no username to log in with.
    """
    password = _checked(password, user)
    release()
    password_hash = passwords.hash_password(password)
    with database.atomic():
        claim(user)
        if not Key.update(password_hash=password_hash).where(login_keys(user)).execute():
            raise AccountError("This user has no username to log in with.")
        events.record(Kind.PASSWORD_CHANGE, user, COMMAND_LINE)
        return sessions.invalidate_user_sessions(user, Reason.PASSWORD_SET)


def _checked(text: str, user: User) -> str:
    password = passwords.normalize_password(text)
    common_passwords.refuse_common(password, user.username)
    return password
