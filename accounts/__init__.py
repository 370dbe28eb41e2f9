"""What an account can do: plain functions over the tables of models.py, no Flask.

Views and commands call these; only these write. One capability, one file:

errors            the rules that say no, in words fit to show
actor             who acts, and from where
usernames         what a username may be, and the form that makes it unique
passwords         what a password may be; hash and verify
hashing           the few threads that hash, and the queue before them
throttling        how many tries a visitor has
users             sign up, log in, change password and name, lock, delete
sessions          create, validate, renew and end the sessions of signed-in browsers
events            the record of what happened
times             moments as text
settings          the settings that these rules read
hooks             what features add to them
"""

from typing import Any

from . import hashing, hooks, settings


def configure(config: Any) -> None:
    """Give the rules their settings, attributes of `config`, before the features are set up."""
    settings.load(config)
    hooks.clear()  # of an application that this process had before
    hashing.pool()
