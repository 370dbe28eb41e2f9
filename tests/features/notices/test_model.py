"""The state machine of the hall's tests: what is told is what the events say that was not seen."""

import pytest
from conftest import hidden_fields, page_form, soup
from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from profile_pages import token_of
from test_model import BROWSERS, LENGTHS, Vestibule, agree_on

from accounts.events import LOGGED_IN
from accounts.sessions import hash_token
from database import release
from features.notices.models import Notice
from models import Event, Session, User

from .conftest import PATH

FAILED = "authn_login_fail"
ALWAYS = ("authn_password_change", "user_renamed")
WANTED = {"free", "asked", "wrong", "failed", "new browser", *ALWAYS}


def open_notices(user: User) -> list[Notice]:
    return list(Notice.select().where(Notice.user == user, Notice.acknowledged_at.is_null()))


class Told(Vestibule):
    """A browser is known in the events by what it calls itself."""

    def __init__(self) -> None:
        super().__init__()
        self.seen_up_to: dict[str, int] = {}
        for name, browser in self.browsers.items():
            browser.client.environ_base["HTTP_USER_AGENT"] = name

    def events_to_tell(self, user: User) -> list[Event]:
        """Return the events of a user that were not acknowledged and ought to be."""
        known, found = set(), []
        for event in Event.select().where(Event.user == user).order_by(Event.id):
            is_new = event.kind == LOGGED_IN[0] and event.user_agent not in known
            known.update([event.user_agent] if event.kind in LOGGED_IN else [])
            if is_new or event.kind in (FAILED, *ALWAYS):
                found.append(event)
        return [event for event in found if event.id > self.seen_up_to.get(user.id, 0)]

    @rule(length=st.sampled_from(LENGTHS), prune=st.booleans())
    def time_passes(self, length: int, prune: bool) -> None:
        super().time_passes(length, prune)
        for notice in Notice.select():
            began = "".join(f" {int(moment) - length}" for moment in notice.began.split())
            changes = {"since": notice.since - length, "at": notice.at - length, "began": began}
            mine = (Notice.user == notice.user) & (Notice.id == notice.id)
            Notice.update(changes).where(mine).execute()

    @rule(browser=st.sampled_from(BROWSERS), typed=st.sampled_from(["", "right", "wrong"]))
    def acknowledge(self, browser: str, typed: str) -> None:
        account, visitor = self.arrive(browser), self.browsers[browser]
        if account is None:
            return
        user = User.get(User.username == account.name)
        told = self.events_to_tell(user)
        html = visitor.get("/profile").text
        assert bool(soup(html).select_one(".panel")) == bool(told)
        if not told:
            return
        is_free = self.is_free(user, browser, told)
        password = {"": "", "right": account.password, "wrong": "wrong horse"}[typed]
        fields = {"current_password": password, "number": str(next(self.numbers))}
        data = {**hidden_fields(page_form(html, PATH)), **fields}
        answer = visitor.client.post(PATH, data=data)
        done = is_free or typed == "right"
        assert (answer.status_code == 302) == done
        if done:
            self.seen_up_to[user.id] = told[-1].id
        self.seen.add("free" if is_free else "asked" if typed == "right" else "wrong")

    def is_free(self, user: User, browser: str, told: list[Event]) -> bool:
        """Return whether the session in a browser began before all of this and caused nothing."""
        own = (Event.user == user) & (Event.user_agent == browser)
        log_ins = Event.select().where(own, Event.kind.in_(LOGGED_IN)).order_by(Event.id.desc())
        began = log_ins.get().id
        caused = any(event.user_agent == browser and event.session for event in told)
        # In one millisecond no clock tells which came first.
        this = Session.get(Session.id == hash_token(token_of(self.browsers[browser])))
        at_once = [row for row in open_notices(user) if row.since == this.created_at]
        return began < told[0].id and not caused and not at_once

    @invariant()
    def agree_on_notices(self) -> None:
        for user in User.select():
            told = self.events_to_tell(user)
            failures = sum(event.kind == FAILED for event in told)
            others = sorted(event.kind for event in told if event.kind != FAILED)
            rows = open_notices(user)
            assert sorted(row.kind for row in rows if row.kind != FAILED) == others
            assert [row.number for row in rows if row.kind == FAILED] == [failures] * bool(failures)
            assert user.notices == len(rows)
            self.seen.update(others, ["failed"] * bool(failures))
            self.seen.update(["new browser"] * (LOGGED_IN[0] in others))
        release()


@pytest.mark.long
def test_the_application_agrees_with_the_model(app: Flask) -> None:
    machine = type("Told", (Told,), {"app": app, "seen": set()})
    agree_on(machine, WANTED)
