"""Chromium, driven over its DevTools protocol: open a page, ask it things.

Where a dumped page is enough, ``--dump-dom`` is simpler (``test_browser.py``); a page
that keeps working, as JupyterLab does, has to be waited for, and a phone's width has
to be asked for: a window of Chromium is never as narrow.
"""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import websocket
from chromium import BROWSER, FLAGS

KEPT_OPEN = (
    *FLAGS,
    "--allow-file-access-from-files",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)


class Browser:
    """One tab of a Chromium of its own.

    Attributes
    ----------
    events : list of dict
        All that the browser reported, such as ``Runtime.exceptionThrown``.
    """

    def __init__(self, folder: Path, seconds: float = 60) -> None:
        assert BROWSER is not None
        self.events: list[dict[str, Any]] = []
        self._asked = 0
        self._process = subprocess.Popen(
            [BROWSER, *KEPT_OPEN, f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = folder / "DevToolsActivePort"
        try:
            wait(lambda: port.is_file() and port.read_text().count("\n"), seconds)
            number, path = port.read_text().split("\n")[:2]
            self._socket = websocket.create_connection(
                f"ws://127.0.0.1:{number}{path}", timeout=seconds
            )
            self._session: str | None = None
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
        except BaseException:
            self._process.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(30)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something; events that come meanwhile are kept."""
        self._asked += 1
        message = {"id": self._asked, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._asked:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def screen(self, width: int, height: int) -> None:
        """Show pages as on a screen of this size; below 600 pixels, a phone's."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def open(self, address: str, seconds: float = 60) -> None:
        """Go to an address and wait until it is loaded."""
        self.call("Page.navigate", url=address)
        self.wait(f"location.href === {json.dumps(address)}", seconds)
        self.wait("document.readyState === 'complete'", seconds)

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page; promises are awaited."""
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression: str, seconds: float = 60) -> None:
        """Until the expression is true in the page."""
        wait(lambda: self.ask(expression), seconds, expression)


def wait(done: Any, seconds: float, what: str = "the browser's port") -> None:
    """Until ``done()`` is true; a TimeoutError says what was waited for."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.1)
