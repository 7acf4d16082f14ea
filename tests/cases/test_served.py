"""One model behind a web server: many requests at once, each answered as if it were alone."""

import json
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from typing import Annotated, Any

import pytest
from PIL import Image

import vlmscope as vs
from vlmscope.models import LoadedModel
from vlmscope.tiny.world.scenes import render_scene

fastapi = pytest.importorskip("fastapi", reason="fastapi, which serves the model, is absent")
uvicorn = pytest.importorskip("uvicorn", reason="uvicorn, which serves the model, is absent")

THREADS = 8
PHRASES = ("the red circle", "the largest shape", "the blue square", "a green star on the left")
Picture = Annotated[bytes, fastapi.Body(media_type="image/png")]


class Jobs:
    """What can be asked of one model; each answer is what JSON can say of it."""

    def __init__(self, model: LoadedModel) -> None:
        self.model = model

    def ground(self, picture: bytes, phrases: list[str]) -> list[Any]:
        return [each.to_dict(arrays=True) for each in vs.ground(self.model, picture, phrases)]

    def flow(self, picture: bytes, phrases: list[str]) -> list[Any]:
        """Rows of an answer while it is written."""
        with vs.capture(self.model, rows="generated", layers=[1, 3]) as trace:
            out = vs.generate(self.model, picture, phrases[0], max_new_tokens=4)
        return [out.text, out.ids.tolist(), trace.maps.tolist()]

    def tokens(self, picture: bytes, phrases: list[str]) -> list[Any]:
        return [vs.token_grounding(self.model, picture, "where is it", phrases[0]).to_dict()]

    def effect(self, picture: bytes, phrases: list[str]) -> list[Any]:
        """What the next token's logits lose when the phrase cannot see the image."""
        clean = vs.prefill(self.model, picture, phrases[0]).logits
        with vs.knockout(self.model, [("image", "phrase")], layers=range(1, 3)):
            blocked = vs.prefill(self.model, picture, phrases[0]).logits
        return (clean - blocked).tolist()

    def plain(self, picture: bytes, phrases: list[str]) -> list[Any]:
        """transformers' own way, which knows nothing of the others."""
        image = vs.open_image(picture).pixels
        inputs = dict(self.model.encode([image], phrases[:1]).inputs)
        inputs.pop("position_ids")
        options = {"do_sample": False, "max_new_tokens": 4}
        out = self.model.hf.generate(
            **inputs, **options, output_scores=True, return_dict_in_generate=True
        )
        finite = [scores.clamp(min=-1e9).tolist() for scores in out.scores]
        return [out.sequences.tolist(), finite]


KINDS = ("ground", "flow", "tokens", "effect", "plain")


def application(jobs: Jobs) -> Any:
    """Endpoints that are no coroutines: FastAPI runs each request in a thread of its pool."""
    app = fastapi.FastAPI()
    for kind in KINDS:
        app.post(f"/{kind}")(partial(answered, getattr(jobs, kind)))
    return app


def answered(
    job: Any, picture: Picture, phrase: Annotated[list[str], fastapi.Query()]
) -> list[Any]:
    return job(picture, phrase)


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of a server on this machine."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    worker = threading.Thread(target=server.run)
    worker.start()
    try:
        deadline = time.monotonic() + 30
        while not server.started:
            assert worker.is_alive() and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        worker.join(30)


def posted(address: str, kind: str, picture: bytes, phrases: list[str]) -> Any:
    query = urllib.parse.urlencode({"phrase": phrases}, doseq=True)
    request = urllib.request.Request(
        f"{address}/{kind}?{query}", data=picture, headers={"Content-Type": "image/png"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=300) as response:
        return json.load(response)


def scene(number: int) -> bytes:
    stream = BytesIO()
    Image.fromarray(render_scene(30_000_000 + number).image).save(stream, "png")
    return stream.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("requests", [40, pytest.param(200, marks=pytest.mark.long)])
def test_requests_of_eight_threads(requests: int) -> None:
    jobs = Jobs(vs.load("tiny-llava"))
    kernel = jobs.model.decoder.config._attn_implementation
    pictures = [scene(number) for number in range(4)]
    asked = [
        (kind, picture, [*PHRASES[number:], *PHRASES[:number]][: 1 + number % 3])
        for kind in KINDS
        for number, picture in enumerate(pictures)
    ]
    alone = [json.loads(json.dumps(getattr(jobs, kind)(*rest))) for kind, *rest in asked]
    assert len({json.dumps(answer) for answer in alone}) == len(asked)

    with served(application(jobs)) as address, ThreadPoolExecutor(THREADS) as pool:
        order = [number * 7 % len(asked) for number in range(requests)]  # kinds next to each other
        answers = list(pool.map(lambda each: posted(address, *asked[each]), order))

    right = Counter(
        asked[number][0]
        for number, answer in zip(order, answers, strict=True)
        if answer == alone[number]
    )
    assert right == dict.fromkeys(KINDS, requests // len(KINDS))
    assert jobs.model.decoder.config._attn_implementation == kernel
    assert "generate" not in vars(jobs.model.hf)
