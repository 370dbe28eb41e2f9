"""Debian's Firefox, driven over Marionette: Firefox's own remote control, which needs no driver.

Playwright needs a Firefox of its own making, and Debian has no geckodriver. Marionette works
without JavaScript in the page, too: finding, typing and clicking are done by the browser.
"""

import itertools
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from processes import wait_until

NAMES = ("firefox-esr", "firefox")
PATIENCE = 120  # seconds; a busy machine needs most of them for the start
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # how WebDriver marks an element in JSON
ENTER, TAB = "\ue007", "\ue004"  # keys, as `keys` takes them
PREFERENCES = {
    "marionette.port": 0,  # any free one
    "remote.prefs.recommended": True,  # Mozilla's own for tests: no updates, no telemetry
    "app.update.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


def find_firefox() -> str | None:
    """Return the path of the browser; FIREFOX overrides it."""
    return os.environ.get("FIREFOX") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def running_firefox(executable: str, profile: Path) -> Iterator["Firefox"]:
    """Run the browser on an empty profile."""
    lines = (f"user_pref({json.dumps(n)}, {json.dumps(v)});" for n, v in PREFERENCES.items())
    (profile / "user.js").write_text("\n".join(lines))
    command = [executable, "--headless", "--marionette", "--remote-allow-system-access"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    home = {**os.environ, "HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1"}
    process = subprocess.Popen([*command, "--profile", str(profile)], env=home, **quiet)
    try:
        port = profile / "MarionetteActivePort"
        assert wait_until(lambda: port.exists() and port.read_text(), PATIENCE), process.poll()
        with socket.create_connection(("127.0.0.1", int(port.read_text())), PATIENCE) as line:
            yield Firefox(line)
    finally:
        process.kill()
        process.wait()


class Refused(Exception):
    """Firefox cannot do it: there is no such element, or it belongs to a page that is gone."""


class Firefox:
    """What a person does and sees. Elements are waited for, and so is the page a click leads to."""

    def __init__(self, line: socket.socket) -> None:
        self.base = ""  # where `open` goes: the address of the site
        self._line, self._stream = line, line.makefile("rb")
        self._numbers = itertools.count(1)
        self._receive()  # who it is
        self._send("WebDriver:NewSession", capabilities={"alwaysMatch": {}})
        self._send("WebDriver:SetTimeouts", implicit=30_000, pageLoad=60_000, script=30_000)

    def _send(self, command: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        message = json.dumps([0, number, command, parameters]).encode()
        self._line.sendall(b"%d:%s" % (len(message), message))
        _, answered, error, result = self._receive()
        assert answered == number
        if error is not None:
            raise Refused(f"{command}: {error['error']}: {error['message']}")
        return result.get("value", result) if isinstance(result, dict) else result

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            byte = self._stream.read(1)
            assert byte, "Firefox is gone"
            length += byte
        return json.loads(self._stream.read(int(length[:-1])))

    def start_over(self, base: str, javascript: bool = True) -> None:
        """Forget cookies, cache and history; continue in a new tab, with or without JavaScript."""
        old = self._send("WebDriver:GetWindowHandles")
        fresh = self.new_tab()
        for tab in old:
            self.show(tab)
            self._send("WebDriver:CloseWindow")
        self.show(fresh)
        self.base = base
        self.privileged(
            "Services.prefs.setBoolPref('javascript.enabled', arguments[0])", javascript
        )
        self.privileged(
            "Services.clearData.deleteData(Services.clearData.CLEAR_ALL, arguments[0])", waits=True
        )

    def privileged(self, script: str, *values: Any, waits: bool = False) -> Any:
        """Run a script that may do what the browser itself may: settings, caches."""
        self._send("Marionette:SetContext", value="chrome")
        try:
            return self.script(script, *values, waits=waits)
        finally:
            self._send("Marionette:SetContext", value="content")

    def script(self, script: str, *values: Any, waits: bool = False) -> Any:
        """Run a script in the page and return what it returns; with `waits`, what it hands to its
        last argument, a function. It sees the page's own names under `window.wrappedJSObject`.
        """
        command = "WebDriver:ExecuteAsyncScript" if waits else "WebDriver:ExecuteScript"
        return self._send(command, script=script, args=list(values))

    def open(self, path: str) -> None:
        """Open a page of the site, as if its address had been typed."""
        self._send("WebDriver:Navigate", url=self.base + path if path.startswith("/") else path)

    def back(self) -> None:
        self._send("WebDriver:Back")

    def forward(self) -> None:
        self._send("WebDriver:Forward")

    def reload(self) -> None:
        self._send("WebDriver:Refresh")

    @property
    def tab(self) -> str:
        """The tab that is shown."""
        return self._send("WebDriver:GetWindowHandle")

    def new_tab(self) -> str:
        """Open a tab, show it, and return it."""
        tab = self._send("WebDriver:NewWindow", type="tab")["handle"]
        self.show(tab)
        return tab

    def show(self, tab: str) -> None:
        """Go to a tab."""
        self._send("WebDriver:SwitchToWindow", handle=tab, focus=True)

    @property
    def url(self) -> str:
        return self._send("WebDriver:GetCurrentURL")

    @property
    def path(self) -> str:
        """The address without scheme and host."""
        parts = urlsplit(self.url)
        return parts._replace(scheme="", netloc="").geturl()

    @property
    def html(self) -> str:
        return self._send("WebDriver:GetPageSource")

    @property
    def title(self) -> str:
        return self._send("WebDriver:GetTitle")

    def find(self, css: str) -> dict[str, str]:
        """Return an element, found by a CSS selector."""
        return self._send("WebDriver:FindElement", using="css selector", value=css)

    def _find_by_xpath(self, path: str) -> dict[str, str]:
        return self._send("WebDriver:FindElement", using="xpath", value=path)

    def box(self, label: str) -> dict[str, str]:
        """Return the input with this label."""
        return self._find_by_xpath(f"//*[@id=//label[normalize-space()='{label}']/@for]")

    def count(self, css: str) -> int:
        """Return how many elements a CSS selector finds now."""
        self._send("WebDriver:SetTimeouts", implicit=0)
        found = self._send("WebDriver:FindElements", using="css selector", value=css)
        self._send("WebDriver:SetTimeouts", implicit=30_000)
        return len(found)

    def text(self, css: str = "body") -> str:
        """Return the text of an element, as it is shown."""
        return self._send("WebDriver:GetElementText", id=self.find(css)[ELEMENT])

    def value(self, label: str) -> str:
        """Return what is in the input with this label."""
        return self._send("WebDriver:GetElementProperty", id=self.box(label)[ELEMENT], name="value")

    def fill(self, label: str, text: str) -> None:
        """Type into the input with this label, in place of what is there."""
        box = self.box(label)[ELEMENT]
        self._send("WebDriver:ElementClear", id=box)
        self._send("WebDriver:ElementSendKeys", id=box, text=text)

    def press(self, name: str) -> None:
        """Press the first button with this name."""
        self.click(self._find_by_xpath(f"//button[normalize-space()='{name}']"))

    def follow(self, name: str) -> None:
        """Click the first link with this text."""
        self.click(self._find_by_xpath(f"//a[normalize-space()='{name}']"))

    def click(self, element: dict[str, str]) -> None:
        self._send("WebDriver:ElementClick", id=element[ELEMENT])

    def double_click(self, element: dict[str, str]) -> None:
        """Press twice, as fast as a mouse can."""
        down, up = {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}
        there = {"type": "pointerMove", "x": 0, "y": 0, "origin": element}
        mouse = {"type": "pointer", "id": "mouse", "actions": [there, down, up, down, up]}
        self._send("WebDriver:PerformActions", actions=[mouse])

    def keys(self, text: str) -> None:
        """Type wherever the focus is; ENTER and TAB are keys."""
        both = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._send(
            "WebDriver:PerformActions", actions=[{"type": "key", "id": "k", "actions": both}]
        )

    def cookies(self) -> dict[str, str]:
        """Return name and value of the cookies that this page's address gets."""
        return {each["name"]: each["value"] for each in self._send("WebDriver:GetCookies")}

    def until(self, true: Callable[[], object]) -> None:
        """Wait until something is so, while a form is sent in place."""

        def is_so() -> object:
            with suppress(Refused):  # the page was just replaced
                return true()
            return False

        assert wait_until(is_so, PATIENCE), f"never came; {self.url} shows: {self.text()[:300]}"
