"""Headless Chromium, driven through its DevTools protocol over a pair of pipes."""

import base64
import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
"""Names of the program, in the order in which they are looked for."""

KEYS = {
    "Backspace": (8, ""),
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "End": (35, ""),
    "Home": (36, ""),
    "ArrowLeft": (37, ""),
    "ArrowUp": (38, ""),
    "ArrowRight": (39, ""),
    "ArrowDown": (40, ""),
    "Delete": (46, ""),
}
"""Keys that are no characters: the code, as KeyboardEvent.keyCode has it, and the text typed."""

SECONDS = 60
"""Longest wait for an answer of the browser."""


def find() -> str | None:
    """Return the path of the program, or None if it is not installed."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Chromium:
    """A browser with one page, as a context manager.

    Attributes:
      errors: texts of all exceptions and errors that the page has reported so far.
    """

    def __init__(self, width: int, height: int) -> None:
        self.errors: list[str] = []
        self._size = {"width": width, "height": height}
        self._stack = ExitStack()
        self._last_id = 0
        self._unread = b""
        self._session: dict[str, str] = {}

    def __enter__(self) -> Self:
        program = find()
        if program is None:
            raise OSError(f"none of {', '.join(PROGRAMS)} is installed; expected one of them")
        profile = self._stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        self._start(program, profile)
        self._stack.callback(self._end)
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        self.resize(**self._size)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, in CSS pixels."""
        self._call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def emulate(self, features: Mapping[str, str]) -> None:
        """Set media features, such as {"prefers-color-scheme": "dark"}."""
        pairs = [{"name": name, "value": value} for name, value in features.items()]
        self._call("Emulation.setEmulatedMedia", features=pairs)

    def open(self, url: str) -> None:
        """Load a page and wait until its scripts have run."""
        self._call("Page.navigate", url=url)
        self.wait_for(f"document.readyState == 'complete' && location.href == {json.dumps(url)}")

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page; promises are awaited."""
        answer = self._call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise ValueError(f"{expression}: {_text(answer['exceptionDetails'])}")
        return answer["result"].get("value")

    def wait_for(self, condition: str) -> None:
        """Wait until a JavaScript expression is true."""
        deadline = time.monotonic() + SECONDS
        while not self.evaluate(condition):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{condition}: not true after {SECONDS} s")
            time.sleep(0.02)

    def press(self, key: str) -> None:
        """Press and release a key, named as in KeyboardEvent.key: a character, or one of KEYS."""
        code, text = KEYS.get(key, (ord(key[0].upper()), key))
        common = {"key": key, "windowsVirtualKeyCode": code}
        self._call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self._call("Input.dispatchKeyEvent", type="keyUp", **common)

    def drag(self, *points: tuple[float, float]) -> None:
        """Press the mouse at the first point, move it over the others, and release it."""
        kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 1)]
        for kind, (x, y) in zip(kinds, points, strict=True):
            self._mouse(kind, x, y)
        self._mouse("mouseReleased", *points[-1])

    def screenshot(self) -> bytes:
        """Return what the window shows, as PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def _mouse(self, kind: str, x: float, y: float) -> None:
        button = {"button": "left", "buttons": 1, "clickCount": 1}
        self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def _start(self, program: str, profile: str) -> None:
        """Start the browser, which reads from its file descriptor 3 and writes to 4."""
        for_it, self._write = (
            os.pipe()
        )  # made first: so 3 is not the other one, which is dealt last
        self._read, from_it = os.pipe()
        arguments = (
            *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *("--remote-debugging-pipe", f"--user-data-dir={profile}"),
        )
        descriptors = (
            *((os.POSIX_SPAWN_DUP2, for_it, 3), (os.POSIX_SPAWN_DUP2, from_it, 4)),
            *((os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)),
        )
        self._process = os.posix_spawn(
            program, (program, *arguments), os.environ, file_actions=descriptors
        )
        os.close(for_it)
        os.close(from_it)

    def _end(self) -> None:
        try:
            self._session = {}
            self._call("Browser.close")
            while self._readable() and os.read(self._read, 1 << 20):
                pass
        finally:
            os.kill(self._process, signal.SIGKILL)
            os.waitpid(self._process, 0)
            os.close(self._write)
            os.close(self._read)

    def _call(self, method: str, **params: Any) -> dict[str, Any]:
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": params} | self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next_message()).get("id") != self._last_id:
            self._note_errors(answer)
        if "error" in answer:
            raise OSError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _next_message(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            some = os.read(self._read, 1 << 20) if self._readable() else b""
            if not some:
                raise OSError(f"the browser has ended, or is silent for {SECONDS} s")
            self._unread += some
        message, self._unread = self._unread.split(b"\0", 1)
        return json.loads(message)

    def _readable(self) -> bool:
        """Wait until the browser has written something or has ended; False if it is silent."""
        return bool(select.select([self._read], [], [], SECONDS)[0])

    def _note_errors(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        if event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(_text(params["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        elif event.get("method") == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.errors.append(json.dumps(params["args"]))


def _text(details: dict[str, Any]) -> str:
    return details.get("exception", {}).get("description", details["text"])
