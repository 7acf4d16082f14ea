"""The app: from a phrase to its answer, beside the model's own pass, and memory over many phrases.

``tiny-llava`` behind a real socket in this process. A phrase's answer holds its scene and the maps of all
heads. The model's own pass is ``prefill`` of the same prompt on the same picture, which reads nothing.

    python benchmarks/app.py [--phrases 500] [--side 128] [--json] [--smallest]

Printed: milliseconds of processor time of this process (on a machine with other work the clock says less),
the median and the 95th percentile; the same by the clock; kilobytes of an answer; the largest difference
of a map from that of ``ground``; by how many MiB the process has grown from the hundredth phrase to the last.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from measure import options, resident, write
from PIL import Image

import vlmscope as vs
from vlmscope.app import AppSettings
from vlmscope.app.answers.ground import ground_phrase
from vlmscope.app.service import Service
from vlmscope.app.serving import listening
from vlmscope.app.web.application import application
from vlmscope.models import Prompt
from vlmscope.tiny.world.scenes import render_scene
from vlmscope.tiny.world.splits import HELD_OUT
from vlmscope.viewer import View

_WARM = 20  # phrases before anything is measured
_SETTLED = 100  # phrases after which memory is compared
_COLOURS = ("red", "blue", "green", "yellow", "purple", "orange", "black", "white")
_SHAPES = ("circle", "square", "triangle", "star", "ring", "cross", "heart", "diamond")


class Client:
    """One tab: one connection that is kept.

    Args:
        port: of the server.
    """

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)

    def post(self, path: str, data: bytes, kind: str) -> bytes:
        """The body of the answer."""
        self._connection.request("POST", path, data, {"Content-Type": kind})
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status >= 400:
            raise RuntimeError(body.decode())
        return body

    def ground(self, image: str, phrase: str) -> bytes:
        """A packed view."""
        body = json.dumps({"image": image, "phrase": phrase}).encode()
        return self.post("/api/ground", body, "application/json")


@contextlib.contextmanager
def served(service: Service) -> Iterator[int]:
    """The port of a server on this machine."""
    import uvicorn

    taken = listening("127.0.0.1", 0)
    config = uvicorn.Config(application(service), log_level="warning", timeout_keep_alive=600)
    server = uvicorn.Server(config)
    worker = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    worker.start()
    try:
        yield int(taken.getsockname()[1])
    finally:
        server.should_exit = True
        worker.join()


def picture(side: int) -> bytes:
    """A rendered scene, enlarged to a square of so many pixels."""
    stream = io.BytesIO()
    scene = Image.fromarray(render_scene(HELD_OUT[0]).image)
    scene.resize((side, side), Image.Resampling.NEAREST).save(stream, "PNG")
    return stream.getvalue()


def phrases(count: int) -> list[str]:
    """So many, hardly one like another."""
    return [
        f"the {_COLOURS[at % 8]} {_SHAPES[at // 8 % 8]}" + " on the left" * (at // 64 % 2)
        for at in range(count)
    ]


def measured(job: Callable[[str], object], words: list[str]) -> dict[str, list[float]]:
    """Milliseconds of each call: by the processor and by the clock."""
    taken: dict[str, list[float]] = {"busy": [], "wall": []}
    for each in words:
        busy, wall = time.process_time(), time.perf_counter()
        job(each)
        taken["busy"].append(1e3 * (time.process_time() - busy))
        taken["wall"].append(1e3 * (time.perf_counter() - wall))
    return taken


def figures(count: int, side: int) -> dict[str, float]:
    """Everything that is printed."""
    model = vs.load("tiny-llava")
    service = Service(model, AppSettings())
    data, words = picture(side), phrases(count)
    with served(service) as port:
        client = Client(port)
        sent = json.loads(client.post("/api/images", data, "application/octet-stream"))
        stored = service.pictures.get(sent["image"])
        for each in words[:_WARM]:
            client.ground(stored.id, each)
            vs.prefill(model, stored.opened.pixels, each)
        some = words[: max(3, min(60, count))]
        jobs: dict[str, Callable[[str], object]] = {
            "own_pass": lambda each: vs.prefill(model, stored.opened.pixels, each),
            "phrase": lambda each: ground_phrase(
                model, service.prefixes, stored, Prompt.of(each), all_heads=True
            ),
            "answer": lambda each: client.ground(stored.id, each),
        }
        result: dict[str, float] = {}
        for name, job in jobs.items():
            for clock, values in measured(job, some).items():
                result[f"{name}_{clock}_ms"] = float(np.median(values))
                result[f"{name}_{clock}_ms_p95"] = float(np.quantile(values, 0.95))
        body = client.ground(stored.id, words[0])
        result["answer_kilobytes"] = len(body) / 1e3
        result["largest_difference"] = difference(body, vs.ground(model, data, words[0]))
        result["growth_mib"] = growth(client, stored.id, words)
    return result


def difference(body: bytes, alone: vs.Grounding) -> float:
    """Of the map on the page from the one that was located, as a share of its highest value."""
    assert alone.located is not None
    shown = View.unpack(body).blocks[0]["map"]
    weights = alone.located.weights
    return float(np.abs(shown - weights).max() / np.abs(weights).max())


def growth(client: Client, image: str, words: list[str]) -> float:
    """MiB from the hundredth phrase to the last."""
    settled = 0
    for number, each in enumerate(words):
        client.ground(image, each)
        if number == min(_SETTLED, len(words) // 2):
            settled = resident()
    return (resident() - settled) / (1 << 20)


def main() -> None:
    parser: argparse.ArgumentParser = options(__doc__, repeats=1)
    parser.add_argument("--phrases", type=int, default=500)
    parser.add_argument("--side", type=int, default=128, help="pixels of the picture's sides")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    count = 4 if arguments.smallest else arguments.phrases
    write(figures(count, arguments.side), arguments.json)


if __name__ == "__main__":
    main()
