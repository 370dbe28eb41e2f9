"""Features are added to the hall once, however many applications a process creates."""

from flask import Flask

from accounts import hooks
from app import create_app
from features.importing.hashes import LuciaScrypt


def lists() -> dict[str, list]:
    return {name: list(value) for name, value in vars(hooks).items() if type(value) is list}


def test_a_second_application_adds_nothing_twice(app: Flask, settings: dict[str, str]) -> None:
    once = lists()
    assert once["hash_handlers"].count(LuciaScrypt) == 1
    create_app(settings)
    assert lists() == once


def test_a_new_application_forgets_the_features_of_the_one_before(app: Flask) -> None:
    hooks.clear()
    assert not any(lists().values())
