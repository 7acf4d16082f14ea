"""A headless Chromium that draws a page of the viewer and says what is on it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from vlmscope.viewer import Bundle, View, shipped

__all__ = ["probed", "visited"]

_CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--force-color-profile=srgb",
    "--force-device-scale-factor=2",
    "--window-size=1400,1200",
    "--virtual-time-budget=20000",
)
_PROBE = """
;(async () => {
  const result = await (async () => { PROBE })().catch((error) => String(error));
  const element = document.createElement("pre");
  element.id = "probe";
  element.textContent = JSON.stringify(result);
  document.body.append(element);
})();
"""


def probed(view: View, probe: str, folder: Path) -> Any:
    """What a script returns that runs in the page of a view, after the viewer's own.

    Args:
        view: drawn by the bundle that is shipped.
        probe: the body of an asynchronous function of JavaScript that returns JSON values.
        folder: for the page and the browser's files.
    """
    bundle = shipped()
    script = bundle.script + _PROBE.replace("PROBE", probe)
    place = folder / "page.html"
    place.write_text(view.html(Bundle(script, bundle.style)), encoding="utf-8")
    document = visited(place.as_uri(), folder)
    (found,) = re.findall(r'<pre id="probe">(.*?)</pre>', document, re.DOTALL)
    return json.loads(unescape(found))


def visited(address: str, folder: Path) -> str:
    """The document at an address once its scripts have run; the test is skipped without a browser.

    Args:
        address: of a file or of a server on this machine.
        folder: for the browser's files.
    """
    if _CHROMIUM is None:
        pytest.skip("Chromium is not installed, so nothing draws the page")
    home = folder / "browser"
    home.mkdir(exist_ok=True)
    called = subprocess.run(
        [_CHROMIUM, *_OPTIONS, f"--user-data-dir={home}", "--dump-dom", address],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        env={**os.environ, "HOME": str(home)},
    )
    assert called.returncode == 0, called.stderr[-2000:]
    return called.stdout
