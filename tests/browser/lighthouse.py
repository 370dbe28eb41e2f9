"""bin/lighthouse: Lighthouse's scores for the pages, and the markup of all pages and states."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Response

from .chromium import FLAGS, chromium, find_chromium
from .person import join
from .screenshots import running_site
from .states import STATES, State

LIGHTHOUSE = "lighthouse@12.8.2"
CHECKERS = {"html-validate": ["html-validate@10.17.0"]}
if shutil.which("java"):
    CHECKERS["W3C checker"] = ["vnu-jar@26.9.27", "--errors-only"]
OF_AN_ACCOUNT = ("", "/password", "/username", "/sessions", "/activity", "/delete")
PAGES = dict.fromkeys(("/", "/signup", "/login"), False)  # logged in?
PAGES |= {f"/profile{page}": True for page in OF_AN_ACCOUNT}
TRIES = 3  # on a busy machine it occasionally loses its own trace of a page
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")


def npx(*args: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a command of a package from npm."""
    return subprocess.run(["npx", "--yes", *args], text=True, check=False, **options)


def marks(url: str, cookie: str) -> dict[str, int]:
    """Return Lighthouse's scores for a page, by category."""
    for _ in range(TRIES):
        done = lighthouse(url, cookie)
        if done.returncode == 0:
            categories = json.loads(done.stdout)["categories"]
            return {name: round(100 * categories[name]["score"]) for name in CATEGORIES}
    sys.exit(f"Lighthouse failed {TRIES} times at {url}")


def lighthouse(url: str, cookie: str) -> subprocess.CompletedProcess[str]:
    """Run Lighthouse on a page, logged in by a cookie if there is one."""
    return npx(
        LIGHTHOUSE, url, "--quiet", "--output=json", f"--only-categories={','.join(CATEGORIES)}",
        f"--chrome-flags=--headless=new {' '.join(FLAGS)}",
        f"--extra-headers={json.dumps({'Cookie': cookie} if cookie else {})}",
        env={**os.environ, "CHROME_PATH": find_chromium()}, stdout=subprocess.PIPE,
    )  # fmt: skip


def check_marks(browser: Browser) -> bool:
    """Print the scores of each page; return whether all are 100."""
    every = []
    with running_site() as site:
        base = site["PUBLIC_URL"]
        page = browser.new_context(base_url=base).new_page()
        join(page)
        [cookie] = [one for one in page.context.cookies() if one["name"].endswith("auth_session")]
        for path, is_logged_in in PAGES.items():
            found = marks(base + path, f"{cookie['name']}={cookie['value']}" * is_logged_in)
            sys.stdout.write(f"{path:10} {found}\n")
            every += found.values()
        page.context.close()
    return set(every) == {100}


def html_of(browser: Browser, state: State) -> str:
    """Return the markup of a state as the server sent it."""
    with running_site() as site:
        base = site["PUBLIC_URL"]
        page = browser.new_context(base_url=base, java_script_enabled=False).new_page()
        answers = []
        page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108
        state(page)
        text = [answer for answer in answers if is_page(answer)][-1].text()
        page.context.close()
    return text


def is_page(answer: Response) -> bool:
    """Return whether an answer is a page, not one of its files or a redirect."""
    return answer.request.is_navigation_request() and not 300 <= answer.status < 400


def check_markup(browser: Browser) -> bool:
    """Let the checkers print what is wrong with the pages; return whether they are all fine."""
    with tempfile.TemporaryDirectory() as folder:
        for name, state in STATES.items():
            file = Path(folder) / (re.sub(r"\W+", "-", name) + ".html")
            file.write_text(html_of(browser, state), encoding="utf-8")
        files = sorted(str(file) for file in Path(folder).iterdir())
        results = {name: npx(*command, *files).returncode for name, command in CHECKERS.items()}
    for name, code in results.items():
        sys.stdout.write(f"{name}: {len(files)} pages, {'errors' if code else '0 errors'}\n")
    return not any(results.values())


if __name__ == "__main__":
    executable = find_chromium() or sys.exit("This needs Chromium. Debian: apt install chromium")
    with chromium(executable) as browser:
        good = [check_markup(browser), check_marks(browser)]
    sys.exit(not all(good))
