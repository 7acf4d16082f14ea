"""A Chromium that is led through pages by keyboard and pointer, and what pages complain about.

It is led by playwright, which is no part of the test tools: where playwright or Chromium is absent, the
tests that need them are skipped.
"""

from __future__ import annotations

import importlib.util
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

__all__ = ["Complaints", "browsing", "needs_browser", "opened", "served"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
"""
_OWN = ("data:", "blob:", "about:")


def needs_browser() -> str:
    """Path of Chromium; the test is skipped without it, or without playwright."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed, so no browser is led: pip install playwright")
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        pytest.skip("Chromium is not installed, so no page is opened")
    return path


@contextmanager
def browsing() -> Iterator[Any]:
    """A headless browser."""
    path = needs_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Complaints:
    """What must not happen on a page.

    Attributes:
        errors: of the console, and of scripts that failed.
        strangers: requests to another origin.
        dialogs: that some script opened.
        violations: of the page's policy; filled by :meth:`check`.
    """

    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def check(self, page: Any) -> None:
        """Fail if there is any."""
        self.violations += page.evaluate("window.violations")
        assert self == Complaints(), self


@contextmanager
def opened(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    """A page at an address, in a context of its own; at the end nothing may have been wrong with it.

    Args:
        browser: of :func:`browsing`.
        address: of a file or of a server on this machine.
        options: of the context, such as ``viewport`` and ``color_scheme``.
    """
    context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
    context.set_default_timeout(20_000)
    page = context.new_page()
    complaints = Complaints()
    page.on("pageerror", lambda error: complaints.errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and complaints.errors.append(line.text))
    page.on("dialog", lambda dialog: (complaints.dialogs.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: _note(request.url, address, complaints.strangers))
    page.add_init_script(_VIOLATIONS)
    page.goto(address)
    try:
        yield page
        complaints.check(page)
    finally:
        context.close()


def _note(url: str, home: str, strangers: list[str]) -> None:
    same = urlsplit(url)[:2] == urlsplit(home)[:2] if home.startswith("http") else url == home
    if not same and not url.startswith(_OWN):
        strangers.append(url)


@contextmanager
def served(service: Any) -> Iterator[str]:
    """Address of the app on this machine, in a thread of this process."""
    import uvicorn

    from vlmscope.app.serving import listening
    from vlmscope.app.web.application import application

    taken = listening("127.0.0.1", 0)
    config = uvicorn.Config(application(service), log_level="warning", ws="none")
    server = uvicorn.Server(config)
    worker = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    worker.start()
    try:
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"
    finally:
        server.should_exit = True
        worker.join()
