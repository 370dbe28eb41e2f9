"""Follows README.md and docs/operating.md to the letter, in an empty Debian root: bin/try-docs.

The commands of each block run as they are written, in order: those of the README as an ordinary
user in a clone, those of operating.md as root. A block whose first line is a comment with a path is
put into that file. Where the page shows `Error:`, the command has to fail; everywhere else it must
not. What stands in for the outside world is made in `outside_world`; what people do between two
commands is in `MEANWHILE`. What is left out is named, with its reason.
"""

import argparse
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

from debian import CHECKOUT, NAME, PASSWORD, make_root, network, outside_world

PORTS = (80, 443, 5000)
# A fenced block, or the `apt install …` of a sentence.
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$|`(apt install [^`]*)`", re.DOTALL | re.MULTILINE)
VARYING = re.compile(r"\b(?:[0-9a-f]{12}|(?=[a-z]*[0-9])[a-z0-9]{15})\b")  # handles and ids
TYPED = {"sessions end --all": "y\n"}  # at the prompts of a command
REMEMBER = "{ export -p; printf 'cd %q\\n' \"$PWD\"; } >/tmp/where"  # for the next command
SKIPPED = {  # what has these words, and why
    "git checkout v": "goes from one release to another, and there is only this one",
    "flask db copy --to": "needs a database server elsewhere; tests/test_transfer.py has one",
}
if os.environ.get("CI") == "true":
    SKIPPED["bin/test "] = "CI has just run the tests"


class Person:
    """Uses the pages over HTTP, with a cookie jar."""

    def __init__(self, root: Path, base: str, user_agent: str) -> None:
        trust = ssl.create_default_context()
        trust.load_verify_locations(root / f"etc/letsencrypt/live/{NAME}/fullchain.pem")
        self.base = base
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(CookieJar()),
            urllib.request.HTTPSHandler(context=trust),
        )
        self.opener.addheaders = [("User-Agent", user_agent), ("Origin", base)]

    def submit(self, path: str) -> None:
        """Open a page, fill in its form, submit it and land on the profile."""
        page = self.opener.open(self.base + path).read().decode()
        hidden = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page)
        typed = {**dict(hidden), "username": "Jane", "password": PASSWORD}
        try:
            answer = self.opener.open(self.base + path, urlencode(typed).encode())
        except urllib.error.HTTPError as error:
            sys.exit(f"{path} was answered {error.code}:\n{error.read().decode()}")
        assert answer.url == f"{self.base}/profile", answer.url


def wait_for(true: Callable[[], object], what: str) -> None:
    """Wait with the patience of a slow machine."""
    deadline = time.monotonic() + 300
    while not true():
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.2)


def listens(port: int) -> bool:
    """Return whether a process listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Follower:
    """Runs the commands of one page. Folder and variables carry over from one to the next."""

    def __init__(self, root: Path, page: str, folder: str, user: str) -> None:
        self.root, self.page, self.user = root, page, user
        self.known: dict[str, str] = {}  # handles and ids: the page's, and ours
        self.commands = 0
        self.environment = network() | {
            "HOME": "/root" if user == "root" else f"/home/{user}",
            "USER": user,
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        }
        self.state = root / "tmp/where"
        self.state.write_text(f"cd {folder}\n")
        self.state.chmod(0o666)

    def say(self, line: str) -> None:
        """Report."""
        print(f"{self.page}: {line}", flush=True)

    def follow(self) -> int:
        """Do what the page says, and return how many commands that were."""
        for match in BLOCK.finditer((CHECKOUT / self.page).read_text()):
            _, language, block, sentence = match.groups()
            block = textwrap.dedent(block or sentence)
            if sentence:
                self.shell(block, user="root")
            elif language == "console":
                self.console(block)
            elif language in ("sh", "bash"):
                self.script(block)
            elif language in ("zsh", "fish"):
                self.shell(f"{language} -c {shlex.quote(block)}")
            elif file := re.match(r"# (/\S+)\n", block):
                self.say(f"file  {file[1]}")
                Path(f"{self.root}{file[1]}").parent.mkdir(parents=True, exist_ok=True)
                Path(f"{self.root}{file[1]}").write_text(block)
            else:
                self.say(f"NO COMMAND ({language}): {block.splitlines()[0]}")
        return self.commands

    def script(self, block: str) -> None:
        """Run a block of commands, the server by itself."""
        together = ""
        for line in block.splitlines(keepends=True):
            if line.startswith(("bin/serve", "bin/test")):
                self.shell(together)
                together = ""
                (self.serve if line.startswith("bin/serve") else self.shell)(line)
            else:
                together += line
        self.shell(together)

    def console(self, block: str) -> None:
        """Run commands one by one; each has to print what the page shows, first word by word."""
        for line, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            command = VARYING.sub(lambda match: self.known.get(match[0], match[0]), line)
            printed = self.shell(command, fails="Error:" in shown)
            found = zip(VARYING.findall(shown), VARYING.findall(printed), strict=False)
            self.known.update(found)
            if first_words(shown) != first_words(printed):
                sys.exit(f"{self.page}: {command}\nshows\n{shown}\nand printed\n{printed}")

    def shell(self, script: str, fails: bool = False, user: str = "") -> str:
        """Run commands, and return what they print."""
        if not script.strip():
            return ""
        for words, reason in SKIPPED.items():
            if words in script:
                self.say(f"SKIPPED, {reason}: {script.strip()}")
                return ""
        for words, action in MEANWHILE.items():
            if words in script:
                action(self.root)
        typed = next((text for words, text in TYPED.items() if words in script), "")
        whole = f"set -e\n. /tmp/where\n{script}\n{REMEMBER}"
        begun = time.monotonic()
        with tempfile.TemporaryFile("w+") as output:  # a daemon would keep a pipe open
            command = [*self.inside(user), "bash", "-c", whole]
            done = subprocess.run(
                command, env=self.environment, input=typed, text=True, check=False,
                stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip
            output.seek(0)
            printed = output.read()
        indent = "\n" + " " * (len(self.page) + 9)
        took = f"{time.monotonic() - begun:4.0f} s"
        self.say(f"{took} {script.strip().replace(chr(10), indent)}")
        self.commands += 1
        if (done.returncode != 0) != fails:
            sys.exit(f"Exit code {done.returncode}:\n{printed[-5000:]}")
        return printed

    def inside(self, user: str = "") -> list[str]:
        """Return how a command is run in the root."""
        return ["chroot", f"--userspec={user or self.user}", str(self.root)]

    def serve(self, line: str) -> None:
        """Start the server, sign up as its visitor, and press Ctrl-C."""
        command = [*self.inside(), "bash", "-c", f". /tmp/where; exec {line}"]
        server = subprocess.Popen(command, env=self.environment, start_new_session=True)
        wait_for(lambda: listens(5000) or server.poll() is not None, line)
        assert server.poll() is None, f"{line} ended with {server.returncode}"
        Person(self.root, "http://127.0.0.1:5000", "Mozilla/5.0").submit("/signup")
        os.killpg(server.pid, signal.SIGINT)
        assert server.wait(120) == 0, f"{line} ended with {server.returncode}"
        self.say(f"       {line.strip()}")
        self.commands += 1


def first_words(text: str) -> str:
    """Return the first word of what was printed, the same for all handles and ids."""
    return VARYING.sub("…", re.split(r"[\s:]", text, maxsplit=1)[0])


def log_in_twice(root: Path) -> None:
    """Jane logs in from a phone and from a laptop."""
    for system in ("iPhone", "X11; Linux x86_64"):
        Person(root, f"https://{NAME}", f"Mozilla/5.0 ({system})").submit("/login")


MEANWHILE = {"flask sessions list Jane": log_in_twice}


def main() -> None:
    """Follow both pages."""
    parser = argparse.ArgumentParser(
        prog="bin/try-docs", description=(__doc__ or "").partition("\n\n")[0]
    )
    parser.add_argument(
        "--base", type=Path, help="a root that debootstrap made before; it is copied"
    )
    parser.add_argument("--root", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if taken := [port for port in PORTS if listens(port)]:
        sys.exit(
            f"The pages use the ports {PORTS}, and something listens on {taken}: stop it first."
        )
    begun = time.monotonic()
    make_root(options.root, options.base)
    outside_world(options.root)
    made = time.monotonic()
    readme = Follower(options.root, "README.md", "/home/reader/vestibule", "reader").follow()
    operating = Follower(options.root, "docs/operating.md", "/srv/vestibule", "root").follow()
    print(f"\nFollowed {readme} commands of README.md and {operating} of docs/operating.md.")
    print(f"Making the root took {made - begun:.0f} s, all {time.monotonic() - begun:.0f} s.")


if __name__ == "__main__":
    main()
