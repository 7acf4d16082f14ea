"""A headless Chromium for benchmarks, and clocks inside its pages.

A time ends when the frame that shows the change was handed over: the first task after the frame's
own, which is when layout and paint on the page's main thread are done.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")

CLOCKS = """
(() => {
  const channel = new MessageChannel();
  const waiting = [];
  channel.port1.onmessage = () => waiting.splice(0).forEach((done) => done(performance.now()));
  const painted = (done) => requestAnimationFrame(() => {
    waiting.push(done);
    channel.port2.postMessage(0);
  });
  const times = { hover: [], phrase: [], interactive: 0 };
  window.times = times;
  document.addEventListener("pointerover", (event) => {
    if (event.target.matches?.('[role="gridcell"]'))
      painted((now) => times.hover.push(now - event.timeStamp));
  }, { capture: true });
  let typed = null;
  document.addEventListener("input", (event) => { typed = event.timeStamp; }, { capture: true });
  const drawn = () => {
    if (!times.interactive && document.querySelector('[aria-label="Phrase"]')) {
      times.interactive = -1;
      painted((now) => { times.interactive = now; });
    }
  };
  new MutationObserver((changes) => {
    drawn();
    const isMap = changes.some(({ target, addedNodes }) =>
      addedNodes.length && target.classList?.contains("a-ground-view"));
    if (!isMap || typed === null) return;
    const start = typed;
    typed = null;
    painted((now) => times.phrase.push(now - start));
  }).observe(document, { childList: true, subtree: true });
})();
"""


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """A browser of playwright, with no window.

    Raises:
        SystemExit: playwright or Chromium is not there.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise SystemExit("This needs playwright: pip install playwright.") from error
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        raise SystemExit(f"This needs Chromium; none of {', '.join(NAMES)} is on the path.")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def watched(browser: Any, address: str, errors: list[str]) -> Any:
    """A page with clocks; what it complains about is added to ``errors``."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda line: line.type == "error" and errors.append(line.text))
    page.add_init_script(CLOCKS)
    page.goto(address)
    return page


def until(page: Any, condition: str) -> None:
    """Wait for an expression to be true; playwright's own waiting needs ``eval``, which the app forbids."""
    page.evaluate(
        f"async () => {{ while (!({condition})) await new Promise((go) => setTimeout(go, 4)); }}"
    )


def main_thread_of(browser: Any, page: Any, job: Callable[[], None]) -> dict[str, list[float]]:
    """Milliseconds that the page's main thread worked for each hover while ``job`` ran.

    Script, style, layout and paint, all tasks from one hover to the next: by the clock (``ms``) and in
    time of the processor (``busy_ms``).
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "trace.json"
        browser.start_tracing(page=page, path=place, categories=["toplevel", "devtools.timeline"])
        job()
        browser.stop_tracing()
        events = json.loads(place.read_bytes())["traceEvents"]
    hovers = [each for each in events if _is_hover(each)]
    if not hovers:
        raise RuntimeError("The trace of the browser holds no hover.")
    thread = (hovers[0]["pid"], hovers[0]["tid"])
    tasks = [
        each
        for each in events
        if each["name"] in ("RunTask", "ThreadControllerImpl::RunTask")
        and (each["pid"], each["tid"]) == thread
        and "dur" in each
    ]
    named = {each["name"] for each in tasks}
    outer = "RunTask" if "RunTask" in named else "ThreadControllerImpl::RunTask"
    starts = sorted(each["ts"] for each in hovers)
    ends = [*starts[1:], float("inf")]
    windows = list(zip(starts, ends, strict=True))[:-1]
    return {
        clock: [
            sum(
                each.get(field, 0)
                for each in tasks
                if each["name"] == outer and _is_in(each, window)
            )
            / 1e3
            for window in windows
        ]
        for clock, field in (("ms", "dur"), ("busy_ms", "tdur"))
    }


def _is_in(event: dict[str, Any], window: tuple[float, float]) -> bool:
    return window[0] <= _end(event) < window[1]


def _is_hover(event: dict[str, Any]) -> bool:
    return (
        event["name"] == "EventDispatch"
        and event.get("args", {}).get("data", {}).get("type") == "pointerover"
    )


def _end(event: dict[str, Any]) -> float:
    return float(event["ts"] + event["dur"])
