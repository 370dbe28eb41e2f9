"""What happens to an account between two steps of another request."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import OLD_HASH, OLD_PASSWORD, PASSWORD, sql

from accounts import passwords, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import Busy, UsernameTaken
from accounts.hashing import HashingThreads
from database import release
from models import Key, Session, User

pytestmark = pytest.mark.usefixtures("app")
CLIENT = Actor("192.0.2.1", "Firefox")
OTHER_PASSWORD = "another horse"


@pytest.fixture
def user(app: object) -> User:
    """Jane, whose password is PASSWORD."""
    return users.create_user("Jane", PASSWORD, OPERATOR)


def store_hash(password_hash: str | None) -> None:
    sql("UPDATE key SET password_hash = ?", (password_hash,))


def rows() -> tuple[int, int, int]:
    return User.select().count(), Key.select().count(), Session.select().count()


def test_b123_of_twenty_at_once_one_gets_the_name() -> None:
    at_once = threading.Barrier(20)

    def sign_up(number: int) -> str:
        at_once.wait()
        try:
            users.sign_up("jAnE" if number % 2 else "Jane", f"password {number}", CLIENT)
        except UsernameTaken:
            return "taken"
        finally:
            release()
        return "made"

    with ThreadPoolExecutor(20) as threads:
        answers = sorted(threads.map(sign_up, range(20)))
    assert answers == ["made"] + ["taken"] * 19
    assert rows() == (1, 1, 1)


def change_behind(change: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make something happen to the account, once, right after a password was accepted."""
    verify = passwords.verify_password

    def verify_and_change(*args: object) -> str | None:
        answer = verify(*args)
        monkeypatch.setattr(passwords, "verify_password", verify)
        change()
        return answer

    monkeypatch.setattr(passwords, "verify_password", verify_and_change)


@pytest.mark.parametrize("stored", [None, OLD_HASH], ids=["current hash", "older hash"])
@pytest.mark.parametrize(
    "change",
    [
        lambda user: users.lock_user(user, OPERATOR),
        lambda user: users.delete_user(user, OPERATOR),
        lambda user: users.set_password(user, OTHER_PASSWORD, OPERATOR),
    ],
    ids=["locked", "deleted", "new password"],
)
def test_b125_b128_what_happens_while_a_password_is_verified_leaves_no_session(
    user: User,
    stored: str | None,
    change: Callable[[User], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store_hash(stored or passwords.hash_password(passwords.parse_password(OLD_PASSWORD)))
    change_behind(lambda: change(user), monkeypatch)
    assert users.log_in("Jane", OLD_PASSWORD, CLIENT) is None
    assert Session.select().count() == 0


def test_an_upgraded_hash_never_overwrites_a_password_set_meanwhile(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_hash(OLD_HASH)
    with monkeypatch.context() as meanwhile:
        change_behind(lambda: users.set_password(user, OTHER_PASSWORD, OPERATOR), meanwhile)
        users.log_in("Jane", OLD_PASSWORD, CLIENT)
    assert users.log_in("Jane", OLD_PASSWORD, CLIENT) is None
    assert users.log_in("Jane", OTHER_PASSWORD, CLIENT)


def test_two_first_log_ins_on_an_older_hash_at_once_both_succeed(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone and a laptop after the move: upgrading a hash is not a password change."""
    store_hash(OLD_HASH)
    change_behind(lambda: users.log_in("Jane", OLD_PASSWORD, CLIENT), monkeypatch)
    assert users.log_in("Jane", OLD_PASSWORD, CLIENT)
    assert Session.select().count() == 2


def test_a_busy_server_changes_nothing(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*args: object, **options: object) -> None:
        raise Busy

    monkeypatch.setattr(HashingThreads, "run", busy)
    for refused in (
        lambda: users.log_in("Jane", PASSWORD, CLIENT),
        lambda: users.sign_up("Other", PASSWORD, CLIENT),
        lambda: users.set_password(user, OTHER_PASSWORD, OPERATOR),
    ):
        with pytest.raises(Busy, match=r"Try again in 5 seconds"):
            refused()
    monkeypatch.undo()
    assert rows() == (1, 1, 0)
    assert users.log_in("Jane", PASSWORD, CLIENT)


def test_a_good_log_in_succeeds_though_the_server_is_too_busy_to_renew_its_hash(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*args: object, **options: object) -> None:
        raise Busy

    store_hash(OLD_HASH)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(passwords, "hash_password", busy)
        assert users.log_in("Jane", OLD_PASSWORD, CLIENT)
    assert Key.get().password_hash == OLD_HASH
    assert users.log_in("Jane", OLD_PASSWORD, CLIENT)
    assert Key.get().password_hash != OLD_HASH
