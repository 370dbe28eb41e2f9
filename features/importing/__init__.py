"""Import users from Lucia v2 and Prisma, with their names and passwords.

hashes    verify Lucia's password hashes
names     log in by the names that Lucia allowed
source    read Lucia's database from a private copy
user      what becomes of one user
plan      what becomes of all users
importer  carry the plan out
command   flask users import-lucia
"""

from flask import Flask

from accounts import hooks
from accounts.usernames import USERNAME_PROVIDER
from cli.commands import IMPORTERS
from cli.users import users
from web.words import EVENTS

from .command import import_lucia
from .hashes import LuciaScrypt
from .importer import USER_IMPORTED
from .names import ALIKE_PROVIDER, LUCIA_PROVIDER, find_lookalikes, lucia_key, reserve_names


def init_app(app: Flask) -> None:
    """Add this feature to the application."""
    hooks.hash_handlers.append(LuciaScrypt)
    hooks.login_names += [(LUCIA_PROVIDER, lucia_key), (USERNAME_PROVIDER, lucia_key)]
    hooks.name_providers += [LUCIA_PROVIDER, ALIKE_PROVIDER]
    hooks.user_finders.append(find_lookalikes)
    hooks.names_freed.append(reserve_names)
    IMPORTERS["Prisma or Lucia"] = "flask users import-lucia FILE"
    users.add_command(import_lucia)
    EVENTS[USER_IMPORTED] = "Account imported from another application"
