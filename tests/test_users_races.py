"""What happens to an account between two steps of somebody else's."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import PASSWORD, sql
from lucia import V2_HASH, V2_PASSWORD

from accounts import passwords, users
from accounts.client import Client
from accounts.errors import Busy, UsernameTaken
from database import release
from models import Key, Session, User

pytestmark = pytest.mark.usefixtures("app")
CLIENT = Client("192.0.2.1", "Firefox")
OTHER_PASSWORD = "another horse"


@pytest.fixture
def user(app: object) -> User:
    """Jane, whose password is PASSWORD."""
    return users.create_user("Jane", PASSWORD)


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
    """Let something happen to the account, once, right after a password was found good."""
    verify = passwords.verify_password

    def verify_and_change(*args: object) -> bool:
        answer = verify(*args)
        monkeypatch.setattr(passwords, "verify_password", verify)
        change()
        return answer

    monkeypatch.setattr(passwords, "verify_password", verify_and_change)


@pytest.mark.parametrize("stored", [None, V2_HASH], ids=["current hash", "hash of lucia"])
@pytest.mark.parametrize(
    "change",
    [
        users.lock_user,
        users.delete_user,
        lambda user: users.set_password(user, OTHER_PASSWORD),
    ],
    ids=["locked", "deleted", "new password"],
)
def test_b125_b128_what_happens_while_a_password_is_verified_leaves_no_session(
    user: User,
    stored: str | None,
    change: Callable[[User], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store_hash(stored or passwords.hash_password(V2_PASSWORD))
    change_behind(lambda: change(user), monkeypatch)
    assert users.log_in("Jane", V2_PASSWORD, CLIENT) is None
    assert Session.select().count() == 0


def test_an_upgraded_hash_never_overwrites_a_password_set_meanwhile(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_hash(V2_HASH)
    with monkeypatch.context() as meanwhile:
        change_behind(lambda: users.set_password(user, OTHER_PASSWORD), meanwhile)
        users.authenticate("Jane", V2_PASSWORD, CLIENT)
    assert users.log_in("Jane", V2_PASSWORD, CLIENT) is None
    assert users.log_in("Jane", OTHER_PASSWORD, CLIENT)


def test_two_first_log_ins_on_an_older_hash_at_once_both_succeed(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone and a laptop after the move: the upgrade of one is no change of password."""
    store_hash(V2_HASH)
    change_behind(lambda: users.log_in("Jane", V2_PASSWORD, CLIENT), monkeypatch)
    assert users.log_in("Jane", V2_PASSWORD, CLIENT)
    assert Session.select().count() == 2


def test_a_busy_server_changes_nothing(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*args: object) -> None:
        raise Busy

    monkeypatch.setattr(passwords._threads, "run", busy)
    for refused in (
        lambda: users.log_in("Jane", PASSWORD, CLIENT),
        lambda: users.sign_up("Other", PASSWORD, CLIENT),
        lambda: users.set_password(user, OTHER_PASSWORD),
    ):
        with pytest.raises(Busy, match=r"try again in 5 seconds"):
            refused()
    monkeypatch.undo()
    assert rows() == (1, 1, 0)
    assert users.log_in("Jane", PASSWORD, CLIENT)


def test_a_good_log_in_succeeds_though_the_server_is_too_busy_to_renew_its_hash(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*args: object) -> None:
        raise Busy

    store_hash(V2_HASH)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(passwords, "hash_password", busy)
        assert users.log_in("Jane", V2_PASSWORD, CLIENT)
    assert Key.get().password_hash == V2_HASH
    assert users.log_in("Jane", V2_PASSWORD, CLIENT)
    assert Key.get().password_hash != V2_HASH
