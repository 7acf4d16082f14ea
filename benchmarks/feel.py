"""How the app feels in a headless Chromium: from a hover, a phrase, a call of the page to what is seen.

``vlmscope app tiny-llava`` in a process of its own; beside it, a page of 1,024 heads over 2,304 image
tokens that is made up. It needs playwright and Chromium.

    python benchmarks/feel.py [--phrases 500] [--hovers 100] [--json] [--smallest]

Milliseconds by the clock, so other work on the machine is in all of them: ``load`` is its load before
and after. ``hover`` ends with the frame that shows the head's map, ``phrase`` with the frame that shows
the phrase's map, ``interactive`` when the phrase can be typed. ``frame`` is what the page's main thread
did for one hover: script, style, layout and paint; ``busy`` is time of the processor, which the work
of others hardly changes. ``phrase_server`` is the part of ``phrase`` that the
server took, ``own_pass`` a plain pass of the same prompts in this process. Growth is from the phrase at
a fifth to the last, after the browser collected its garbage. ``X_target`` is what X should be below.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from browsing import chromium, main_thread_of, until, watched
from measure import options, write
from synthetic import synthetic_view

import vlmscope as vs
from app import measured, phrases, picture, served
from vlmscope.app import AppSettings
from vlmscope.app.service import Service

TARGETS = {
    "hover_ms_p95": 50.0,
    "hover_synthetic_ms_p95": 50.0,
    "frame_synthetic_busy_ms_p95": 33.0,
    "phrase_ms_p95": 150.0,
    "interactive_ms_p95": 1000.0,
    "growth_kib": 256.0,
    "growth_nodes": 1.0,
    "growth_listeners": 1.0,
}
"""What each figure should be below; none of the last three should grow at all."""

# by script: of what is typed the browser keeps every step, to undo it, which is no growth of the page
_TYPE = """(box, phrase) => {
  box.value = phrase;
  box.dispatchEvent(new Event("input", { bubbles: true }));
}"""
_PAUSE_MS = 40  # a hand does not cross heads faster
_WARM = 10


@contextlib.contextmanager
def here() -> Iterator[str]:
    """The same server in a thread of this process, which starts sooner and makes the page wait."""
    with served(Service(vs.load("tiny-llava"), AppSettings())) as port:
        yield f"http://127.0.0.1:{port}/"


@contextlib.contextmanager
def app() -> Iterator[str]:
    """Address of the command's server on a free port."""
    words = ["app", "tiny-llava", "--no-open", "--port", "0", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "vlmscope", *words], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield str(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def main() -> None:
    parser: argparse.ArgumentParser = options(__doc__, repeats=10)
    parser.add_argument("--phrases", type=int, default=500)
    parser.add_argument("--hovers", type=int, default=100)
    arguments = parser.parse_args()
    if arguments.smallest:
        arguments.phrases, arguments.hovers, arguments.repeats = 5, 4, 1
    torch.set_num_threads(arguments.threads)
    load = os.getloadavg()[0]
    errors: list[str] = []
    result: dict[str, float] = {}
    serving = here if arguments.smallest else app
    with chromium() as browser, serving() as address, tempfile.TemporaryDirectory() as folder:
        result |= opened(browser, address, arguments.repeats, errors)
        result |= asked(browser, address, Path(folder), arguments, errors)
        page = Path(folder) / "synthetic.html"
        synthetic_view(4 if arguments.smallest else 32).write(page)
        result |= grid(browser, page.as_uri(), arguments.hovers, errors)
    result |= own_pass(arguments.phrases)
    result |= {f"{name}_target": value for name, value in TARGETS.items()}
    result |= {"errors": len(errors), "load_before": load, "load_after": os.getloadavg()[0]}
    for each in errors:
        sys.stderr.write(f"The page complained: {each}\n")
    write(result, arguments.json)


def opened(browser: Any, address: str, repeats: int, errors: list[str]) -> dict[str, float]:
    """Until the page takes a phrase, from nothing each time."""
    taken = []
    for _ in range(repeats):
        page = watched(browser, address, errors)
        until(page, "window.times.interactive > 0")
        taken.append(page.evaluate("window.times.interactive"))
        page.close()
    return spread("interactive_ms", taken)


def asked(
    browser: Any, address: str, folder: Path, arguments: argparse.Namespace, errors: list[str]
) -> dict[str, float]:
    """Phrases on one picture, heads of the last, and what the page keeps of many."""
    page = watched(browser, address, errors)
    (folder / "scene.png").write_bytes(picture(128))
    page.get_by_label("Image", exact=True).set_input_files(folder / "scene.png")
    tools = page.context.new_cdp_session(page)
    tools.send("Performance.enable")
    words = phrases(arguments.phrases)
    server, held = [], None
    for number, each in enumerate(words):
        server.append(_typed(page, each))
        if number == len(words) // 5:
            held = kept(tools)
    assert held is not None
    now = kept(tools)
    warm = min(_WARM, len(words) // 2)
    typed = page.evaluate("window.times.phrase")
    hovered = crossed(page, arguments.hovers)
    page.close()
    return (
        spread("phrase_ms", typed[warm:])
        | spread("phrase_server_ms", server[warm:])
        | {f"growth_{name}": max(0.0, now[name] - held[name]) for name in now}
        | spread("hover_ms", hovered)
    )


def _typed(page: Any, phrase: str) -> float:
    """Ask for a phrase and wait for its map; milliseconds that the server took."""
    page.evaluate("performance.clearResourceTimings()")
    before = page.evaluate("window.times.phrase.length")
    page.get_by_label("Phrase", exact=True).evaluate(_TYPE, phrase)
    until(page, f"window.times.phrase.length > {before}")
    return float(
        page.evaluate("""() => {
          const asked = performance.getEntriesByType("resource");
          const last = asked.filter(({ name }) => name.endsWith("/api/ground")).at(-1);
          return last.responseEnd - last.requestStart;
        }""")
    )


def kept(tools: Any) -> dict[str, float]:
    """What the page holds once nothing is left to collect."""
    for _ in range(2):
        tools.send("HeapProfiler.collectGarbage")
    listed = tools.send("Performance.getMetrics")["metrics"]
    metrics = {each["name"]: each["value"] for each in listed}
    return {
        "kib": metrics["JSHeapUsedSize"] / 1024,
        "nodes": metrics["Nodes"],
        "listeners": metrics["JSEventListeners"],
    }


def grid(browser: Any, address: str, hovers: int, errors: list[str]) -> dict[str, float]:
    """Heads of a page, and what the main thread did for each."""
    page = watched(browser, address, errors)
    page.get_by_role("gridcell").first.wait_for()
    page.wait_for_timeout(300)
    taken = crossed(page, hovers)
    worked = main_thread_of(browser, page, lambda: crossed(page, hovers) and None)
    page.close()
    frames = [spread(f"frame_synthetic_{clock}", values) for clock, values in worked.items()]
    return spread("hover_synthetic_ms", taken) | frames[0] | frames[1]


def crossed(page: Any, hovers: int) -> list[float]:
    """Milliseconds from each of so many heads, in any order, to its map."""
    page.get_by_role("grid", name="Heads").scroll_into_view_if_needed()
    places = page.evaluate("""() => [...document.querySelectorAll('[role="gridcell"]')].map((cell) => {
      const { x, y, width, height } = cell.getBoundingClientRect();
      return [x + width / 2, y + height / 2];
    }).filter(([x, y]) => y > 0 && y < innerHeight)""")
    page.evaluate("window.times.hover.length = 0")
    order = random.Random(0)
    before = None
    for number in range(hovers):
        before = order.choice([each for each in places if each != before])
        page.mouse.move(*before)
        until(page, f"window.times.hover.length > {number}")
        page.wait_for_timeout(_PAUSE_MS)
    return list(page.evaluate("window.times.hover"))


def own_pass(count: int) -> dict[str, float]:
    """A plain pass of the same prompts, which reads nothing."""
    model, pixels = vs.load("tiny-llava"), vs.open_image(picture(128)).pixels
    words = phrases(max(3, min(60, count)))
    for each in words[:_WARM]:
        vs.prefill(model, pixels, each)
    taken = measured(lambda each: vs.prefill(model, pixels, each), words)
    return {"own_pass_ms": float(np.median(taken["wall"]))}


def spread(name: str, values: list[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    return {
        name: float(np.median(values)),
        f"{name}_p95": float(np.quantile(values, 0.95)),
    }


if __name__ == "__main__":
    main()
