"""A headless Chromium driven over the WebDriver protocol, for tests of pages; without any package for it."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
]  # fmt: skip


def require() -> None:
    """Skips a test where there is no browser, or fails it where `CLC_TEXT_BROWSER=required`, as in CI."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            (pytest.fail if os.environ.get("CLC_TEXT_BROWSER") == "required" else pytest.skip)(
                f"{program} is not installed"
            )


class Browser:
    """One window. Every request that the page tries is in `requests`.

    Args:
        profile: a new folder for the browser's own files.
    """

    def __init__(self, profile: Path, width: int = 1400, height: int = 1000) -> None:
        self.driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self.driver.stdout is not None
        # It chooses a free port itself, so that several browsers beside each other never meet.
        lines = (re.search(r"started successfully on port (\d+)", line) for line in self.driver.stdout)
        told = next(filter(None, lines))
        self.base = f"http://127.0.0.1:{told[1]}"
        threading.Thread(target=self.driver.stdout.read, daemon=True).start()  # or it would wait for a reader some day
        options = {
            "args": [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"],
            "binary": shutil.which("chromium"),
        }
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
        }
        answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"/session/{answer['sessionId']}"

    def close(self) -> None:
        try:
            self._call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait(30)

    def _call(self, verb: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=verb)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)["value"]

    def open(self, path: Path) -> None:
        self._call("POST", self.session + "/url", {"url": path.resolve().as_uri()})

    def run(self, script: str, *arguments: Any) -> Any:
        """What a JavaScript function body returns."""
        return self._call("POST", self.session + "/execute/sync", {"script": script, "args": list(arguments)})

    def keys(self, *names: str) -> None:
        """Presses keys, one after the other, on what has the focus."""
        codes = {"Tab": "\ue004", "Enter": "\ue007", "Escape": "\ue00c", "Space": " ", "ArrowLeft": "\ue012",
                 "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015"}  # fmt: skip
        actions = []
        for name in names:
            value = codes.get(name, name)
            actions += [{"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]
        self._call("POST", self.session + "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def move(self, x: int, y: int, click: bool = False) -> None:
        """Moves the mouse to a place in the window."""
        actions: list[dict[str, Any]] = [{"type": "pointerMove", "x": x, "y": y, "duration": 0}]
        if click:
            actions += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": actions}
        self._call("POST", self.session + "/actions", {"actions": [pointer]})

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self._call("POST", self.session + "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def dark(self, wanted: bool) -> None:
        scheme = "dark" if wanted else "light"
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._call("GET", self.session + "/screenshot")))

    def requests(self) -> list[str]:
        """Addresses that were asked for since the last call."""
        entries = self._call("POST", self.session + "/se/log", {"type": "performance"})
        messages = [json.loads(entry["message"])["message"] for entry in entries]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self) -> list[str]:
        """What the page's console says: errors, and what its policy refused."""
        entries = self._call("POST", self.session + "/se/log", {"type": "browser"})
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]
