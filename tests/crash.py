"""bin/crash-test: people sign up, log in and change passwords while the server is killed.

In each run several clients act over real HTTP until the server's whole process group, and the
commands that run beside it, are killed with SIGKILL. The server is started again and asked:

- what was confirmed is there, what was refused is not;
- what was not answered is there completely or not at all;
- the database is intact (integrity_check, foreign_key_check).

What the clients do and when the kill comes depends only on --seed; how the processes are scheduled
is up to the machine. A kill shows what a crash leaves behind, not what a power cut does:
`synchronous = FULL` takes care of that.
"""

import argparse
import http.client
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import click
import postgresql
from conftest import NO_LIMITS, SECRET_KEY
from ports import free_port
from processes import FLASK, ROOT, Visitor, environment, kill_group, server, sql

CLIENTS = 4
KILL_AFTER = (0.05, 4)  # seconds of load
HABITS = {"sign_up": 4, "log_in": 4, "change": 2}
HABITS_OF_THE_FIRST = {"sign_up": 1, "log_in": 1, "change": 8}
UNKNOWN = "cannot tell whether"
WORDS = "correct horse battery staple ångström 東京 🐎 pass word"
HALF_THERE = {
    "a user without exactly one key": (
        "SELECT username FROM user WHERE 1 != (SELECT count(*) FROM key WHERE user_id = user.id)"
    ),
    "a user whose making was not recorded": (
        "SELECT username FROM user WHERE 1 != (SELECT count(*) FROM event"
        " WHERE user_id = user.id AND kind = 'user_created')"
    ),
    "a session whose beginning was not recorded": (
        "SELECT hex(id) FROM session WHERE lower(hex(substr(id, 1, 6))) NOT IN (SELECT session FROM"
        " event WHERE kind IN ('user_created', 'authn_login_success', 'authn_password_change'))"
    ),
}
DAMAGE_OF_SQLITE = {
    "a damaged database": "SELECT * FROM pragma_integrity_check WHERE integrity_check != 'ok'",
    "a row that refers to nothing": "SELECT * FROM pragma_foreign_key_check",
}


@dataclass
class Account:
    """What the owner of an account knows about it. None: requested, but never answered."""

    name: str
    password: str
    made: bool | None = False
    proposed: str | None = None  # a new password that may or may not have taken effect
    ending: set[str] = field(default_factory=set)  # the cookies that it invalidates
    sessions: list[Visitor] = field(default_factory=list)

    def propose(self, password: str) -> None:
        """Remember what is about to be requested."""
        self.proposed = password
        self.ending = {visitor.session_cookie() for visitor in self.sessions}


class NobodyKnows(Exception):
    """The database went away during the commit, and the answer says so."""


class Client(threading.Thread):
    """A client that acts until the server is gone. half_there: what must not be afterwards."""

    half_there = HALF_THERE

    def __init__(
        self, settings: dict[str, str], name: str, seed: str, habits: dict[str, int]
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.settings = settings
        self.habits = habits
        self.rng = random.Random(seed)
        self.accounts: list[Account] = []
        self.done: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.command: subprocess.Popen[bytes] | None = None
        self.over = False
        self.doing = ""  # at the end: what was never answered

    def run(self) -> None:
        with suppress(OSError, http.client.HTTPException):  # it was killed
            while not self.over:
                [act] = self.rng.choices(list(self.habits), list(self.habits.values()))
                self.doing = act if self.certain() else "sign_up"
                self.act()
                self.doing = ""

    def act(self) -> None:
        try:
            done = getattr(self, self.doing)()
        except NobodyKnows:  # the account stays in doubt until it is checked
            self.done["in doubt"] += 1
        except StopIteration:  # a page without its form: the database is gone
            self.done["refused"] += 1
        else:
            self.done[self.doing if done else "refused"] += 1

    def certain(self) -> list[Account]:
        return [account for account in self.accounts if account.made and not account.proposed]

    def sign_up(self) -> bool:
        account = Account(f"{self.name}n{len(self.accounts)}", self.new_password())
        visitor = Visitor(self.settings)
        token = visitor.prepare("/signup")
        self.accounts.append(account)
        account.made = None
        fields = {"username": account.name, "password": account.password, **token}
        status = self.known(*visitor.send("/signup", fields))
        account.made = status == 302
        if account.made:
            account.sessions.append(visitor)
        return account.made

    def log_in(self) -> bool:
        account = self.any_account()
        visitor = Visitor(self.settings)
        status = self.known(*visitor.submit("/login", account.name, account.password))
        if status == 302:
            account.sessions.append(visitor)
        elif status == 400:
            self.wrong.append(f"{account.name}: the right password was refused")
        return status == 302

    def change(self) -> bool:
        account = self.any_account()
        new = self.new_password()
        visitor = self.rng.choice(account.sessions) if account.sessions else None
        if visitor and visitor.send("/profile/password")[0] == 200:
            token = visitor.prepare("/profile/password")
            fields = {"current_password": account.password, "new_password": new, **token}
            account.propose(new)
            done = self.known(*visitor.send("/profile/password", fields)) == 302
        else:
            account.propose(new)
            visitor = None
            done = self.run_command(["users", "set-password", account.name], new)
        if done:
            account.password = new
            account.sessions = [visitor] if visitor else []  # this browser stays logged in
        account.proposed = None
        return done

    def run_command(self, arguments: list[str], password: str) -> bool:
        self.command = subprocess.Popen(
            [*FLASK, *arguments, "--password-stdin"],
            env=environment(self.settings),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        if self.over:  # the kill came between the two
            self.command.kill()
        said = self.command.communicate(password.encode())[1]
        if self.command.returncode < 0:
            raise ConnectionError
        if b"lost while committing" in said:
            raise NobodyKnows
        return self.command.returncode == 0

    def kill(self) -> None:
        self.over = True
        if self.command:
            self.command.kill()

    def any_account(self) -> Account:
        return self.rng.choice(self.certain())

    def known(self, status: int, _location: str, text: str) -> int:
        """Return the status of an answer that says whether the request was carried out."""
        if status == 503 and UNKNOWN in text:
            raise NobodyKnows
        return status

    def new_password(self) -> str:
        return f"{self.rng.choice(WORDS.split())} {self.rng.randrange(10**9)}"


def attack(
    settings: dict[str, str],
    process: subprocess.Popen[bytes],
    run: str,
    database: postgresql.Server | None = None,
    kind: type[Client] = Client,
) -> list[Client]:
    """Let clients act until the server is killed; return what they know. The database server, if
    there is one, is killed while they act in half of the runs, and at the end in the others.
    """
    rng = random.Random(run)
    moment = rng.uniform(*KILL_AFTER)
    name = run.rpartition("/")[2]
    clients = [
        kind(settings, f"{name}c{n}", f"{run}/{n}", HABITS if n else HABITS_OF_THE_FIRST)
        for n in range(CLIENTS)
    ]
    for client in clients:
        client.start()
    if database and rng.random() < 0.5:
        time.sleep(moment)
        crash_database(database)
    time.sleep(moment)
    kill_group(process)
    if database and rng.random() < 0.5:
        crash_database(database)
    for client in clients:
        client.kill()
    for client in clients:
        client.join(60)
    return clients


def crash_database(database: postgresql.Server) -> None:
    """Kill it and let it recover."""
    database.stop()
    database.start()


def look(settings: dict[str, str], clients: list[Client]) -> list[str]:
    """Return what is wrong after a kill, with the server running again."""
    wrong = [text for client in clients for text in client.wrong]
    wrong += half_there(settings, clients[0].half_there)
    names = {name for (name,) in sql(settings, "SELECT username FROM user")}
    accounts = [account for client in clients for account in client.accounts]
    with ThreadPoolExecutor(CLIENTS) as threads:
        for faults in threads.map(lambda account: look_at(settings, account, names), accounts):
            wrong += faults
    return wrong


def half_there(settings: dict[str, str], queries: dict[str, str] = HALF_THERE) -> list[str]:
    """Return what is in the database and should not be."""
    on_sqlite = settings["DATABASE_URL"].startswith("sqlite:")
    faults = queries | (DAMAGE_OF_SQLITE if on_sqlite else {})
    return [f"{fault}: {row}" for fault, query in faults.items() for row in sql(settings, query)]


def look_at(settings: dict[str, str], account: Account, names: set[str]) -> list[str]:
    """Return what is wrong with one account, and settle what was in doubt."""
    there = account.name in names
    if account.made is None:
        account.made = there
    if account.made != there:
        return [f"{account.name}: " + ("refused and there" if there else "acknowledged and lost")]
    tried = [text for text in (account.password, account.proposed) if text]
    to_end = [visitor.session_cookie() in account.ending for visitor in account.sessions]
    alive = [visitor.is_signed_in() for visitor in account.sessions]
    opening = [text for text in tried if opens(settings, account.name, text)]
    if len(opening) != account.made:
        return [f"{account.name}: {len(opening)} of {len(tried)} passwords open it"]
    # All are logged out, unless the head of the answer, with a new cookie, arrived: it is sent
    # before the body, and the kill may come in between.
    changed = account.proposed is not None and opening == [account.proposed]
    expected = [not (changed and ends) for ends in to_end]
    return [] if alive == expected else [f"{account.name}: sessions {alive}, not {expected}"]


def opens(settings: dict[str, str], name: str, password: str) -> bool:
    """Return whether a password opens an account; retry when the server is busy."""
    for _ in range(20):
        status = Visitor(settings).submit("/login", name, password)[0]
        if status != 503:
            return status == 302
        time.sleep(0.5)
    raise TimeoutError(f"{name}: the server stays busy")


def survive(settings: dict[str, str], kind: type[Client], wanted: str, runs: int = 3) -> None:
    """Kill a server again and again while clients of a feature act; more often than `runs` where
    the machine was too slow for what is wanted.
    """
    sums: Counter[str] = Counter()
    for run in range(10 * runs):
        with server(settings) as process:
            clients = attack(settings, process, f"{random.randrange(10**6)}/r{run}", kind=kind)
        with server(settings):
            assert not (wrong := look(settings, clients)), wrong
        sums += sum((client.done for client in clients), Counter())
        if run + 1 >= runs and sums[wanted]:
            return
    raise AssertionError(f"{wanted}: never done")


def report(run: int, clients: list[Client], wrong: list[str], seconds: float) -> Counter[str]:
    """Print one line; return the totals of this run."""
    sums: Counter[str] = sum((client.done for client in clients), Counter())
    doubts = [client.doing for client in clients if client.doing]
    sums["in doubt"] += len(doubts)
    done = ", ".join(f"{sums[act]:2} {act}" for act in HABITS)
    verdict = "; ".join(wrong[:3]) or "ok"
    if len(wrong) > 3:
        verdict += f"; and {len(wrong) - 3} more"
    click.echo(f"run {run:3}  {seconds:4.1f} s  acknowledged {done}; "
               f"{sums['refused']} refused, {len(doubts)} unanswered: {verdict}")  # fmt: skip
    return sums


def main() -> int:
    parser = argparse.ArgumentParser(prog="bin/crash-test", description=__doc__.split("\n\n")[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the server is stopped too

    sums: Counter[str] = Counter()
    violations = 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="vestibule-crash-") as folder, ExitStack() as stack:
        database = None
        if options.database == "postgresql":
            database = stack.enter_context(postgresql.running_server())
        settings = {
            "DATABASE_URL": database.url() if database else f"sqlite:///{Path(folder)}/crash.db",
            "SECRET_KEY": SECRET_KEY,
            "HASH_QUEUE": "64",
            "PORT": str(free_port()),
            **NO_LIMITS,
        }
        clients: list[Client] = []
        for run in range(options.runs + 1):
            started = time.monotonic()
            with server(settings) as process:
                if run:
                    wrong = look(settings, clients)
                    violations += len(wrong)
                    sums += report(run, clients, wrong, time.monotonic() - started)
                if run < options.runs:
                    clients = attack(settings, process, f"{options.seed}/r{run + 1}", database)
    click.echo(
        f"{options.runs} runs in {time.monotonic() - begun:.0f} s, seed {options.seed}: "
        f"{sum(sums[act] for act in HABITS)} actions acknowledged, {sums['refused']} refused, "
        f"{sums['in doubt']} unanswered; {violations or 'nothing'} lost or half done"
    )
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
