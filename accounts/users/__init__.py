"""Users: the people who have accounts.

creating        make an account
authenticating  prove to be somebody: log in, or give the current password once more
finding         whom a name means
passwords       a new password, of one's own or by the operator's word
renaming        another username
closing         lock, unlock, delete

A password is hashed before a transaction begins, never inside one: everybody else's writes would
wait for it. So each function first computes, then writes all or nothing.
"""

from .authenticating import authenticate, log_in
from .closing import delete_account, delete_user, lock_user, unlock_user
from .creating import create_user, sign_up
from .finding import find_key, find_users
from .passwords import change_password, set_password
from .renaming import change_username, rename_user

__all__ = [
    "authenticate",
    "change_password",
    "change_username",
    "create_user",
    "delete_account",
    "delete_user",
    "find_key",
    "find_users",
    "lock_user",
    "log_in",
    "rename_user",
    "set_password",
    "sign_up",
    "unlock_user",
]
