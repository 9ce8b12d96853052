"""A headless Chromium, spoken to over a pipe in DevTools' JSON: what a page looks like, asks for and complains of."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
from itertools import count
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
SECONDS = 60  # of silence


def found() -> str | None:
    """Return the path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A browser with one tab. events: (method, params) of all that the tab told since `open`."""

    def __init__(self, profile: Path) -> None:
        to_read, ours_write = os.pipe()
        ours_read, to_write = os.pipe()
        words = [str(found()), "--headless", "--remote-debugging-pipe", f"--user-data-dir={profile}", "--no-first-run",
                 "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]  # fmt: skip
        words += ["--no-sandbox"] if os.geteuid() == 0 else []

        # DevTools reads descriptor 3 and writes 4
        shell = f'exec 3<&{to_read} 4>&{to_write}; exec "$@"'
        self.process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *words, "about:blank"], pass_fds=(to_read, to_write), start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(to_read)
        os.close(to_write)
        self.write, self.read = ours_write, os.fdopen(ours_read, "rb", buffering=0)
        self.numbers, self.left, self.session = count(1), b"", ""
        self.events: list[tuple[str, dict]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{part}.enable")

    def ask(self, method: str, **params: object) -> dict:
        """Return the answer to a command; AssertionError with its words if it fails."""
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == number:
                assert "error" not in told, told
                return told["result"]

    def _next(self) -> dict:
        while b"\0" not in self.left:
            ready, _, _ = select.select([self.read], [], [], SECONDS)
            data = self.read.read(1 << 20) if ready else b""
            assert data, "the browser ended, or said nothing for a minute"
            self.left += data
        first, _, self.left = self.left.partition(b"\0")
        told = json.loads(first)
        if "method" in told:
            self.events.append((told["method"], told.get("params", {})))
        return told

    def open(self, page: Path, width: int, scheme: str) -> None:
        """Show a page, so wide, in a light or dark surrounding; wait until it is loaded."""
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        self.events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        while not any(method == "Page.loadEventFired" for method, _ in self.events):
            self._next()

    def value(self, script: str) -> object:
        """Return what a script of ours finds in the page."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"]["value"]

    def complaints(self) -> list[str]:
        """Return what the page's console got."""
        texts = [p["entry"]["text"] for m, p in self.events if m == "Log.entryAdded"]
        texts += [json.dumps(p.get("args", "")) for m, p in self.events if m == "Runtime.consoleAPICalled"]
        return texts + [p["exceptionDetails"]["text"] for m, p in self.events if m == "Runtime.exceptionThrown"]

    def requests(self) -> list[str]:
        """Return all addresses that the page asked for, itself included."""
        return [p["request"]["url"] for m, p in self.events if m == "Network.requestWillBeSent"]

    def picture(self) -> bytes:
        """Return the whole page as PNG."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        return base64.b64decode(shot["data"])

    def close(self) -> None:
        """End the browser and what it started."""
        os.close(self.write)
        self.read.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, 9)
            self.process.wait()
