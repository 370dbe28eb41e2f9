"""Users: the people who have accounts.

signing_up  create an account
logging_in  log in, and confirm the password again before something important
changing    change password or username, lock, unlock, delete
lookup      find users by name
listing     list accounts for those who look after them

A password is hashed before a transaction begins, never inside one: all other writes would wait
for it. So each function first computes, then writes all or nothing.
"""

from .changing import (
    all_or_none,
    change_password,
    change_username,
    delete_account,
    delete_user,
    lock_user,
    parse_other_username,
    parse_own_username,
    rename_user,
    replace_password,
    set_password,
    unlock_user,
)
from .listing import ORDERS, count_users, last_login, list_users, with_sessions
from .logging_in import begin_session, confirm_password, lock_confirmed, log_in
from .lookup import find_account, find_users, lock_for_update, login_keys
from .signing_up import check_free, create_user, make_account, sign_up
