"""A chat endpoint of this machine that serves a real model, in the ways of well-known servers and bad ones.

It answers ``POST /v1/chat/completions`` by passes of the model that owe nothing to the code under test:
one whole sequence for every token.
"""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import vlmscope as vs
from families import llava
from vlmscope.attention.forced import encode_forced
from vlmscope.data.images import open_image
from vlmscope.models import LoadedModel

__all__ = ["ANSWER", "QUESTION", "ChatServer", "Ways", "picture", "serving", "small_model"]

QUESTION = "what colour is the circle ?"
ANSWER = "small on cat circle"
"""What the small model says to it of the picture, cut after four tokens."""


END = "<eos>"

_PASSES: dict[tuple[Any, ...], tuple[Any, Any]] = {}
"""What was computed before, by any server of this process: tests ask for the same in several ways."""


@dataclass
class Ways:
    """What a server does; every field may be changed while it runs.

    Attributes:
        logprobs: it gives those of what it writes.
        top: likeliest tokens that it gives at most; more are refused.
        prefill: it goes on from a begun turn of the assistant; else that is a turn like any other.
        prompt: it gives the log-probabilities of the prompt.
        strict: what it does not know is refused; else it is passed over.
        spaced: tokens are written with the space before them.
        stop_after: tokens after which it ends an answer; 0: the model ends it.
        ends: the token that ends an answer is listed, too.
        noise: nats that are added to each log-probability by chance.
        key: that it asks for.
        broken: kinds of replies that come before the right one, one for each request.
        always: the kind of every reply, in place of the right one.
        spoil: changes the body of a right reply.
        delay: seconds before each reply.
    """

    logprobs: bool = True
    top: int = 20
    prefill: bool = False
    prompt: bool = False
    strict: bool = True
    spaced: bool = False
    stop_after: int = 0
    ends: bool = False
    noise: float = 0.0
    key: str | None = None
    broken: list[str] = field(default_factory=list)
    always: str | None = None
    spoil: Any = None
    delay: float = 0.0


class ChatServer(ThreadingHTTPServer):
    """Serves one model until it is closed."""

    daemon_threads = True

    def __init__(self, model: LoadedModel, ways: Ways) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.model, self.ways = model, ways
        self.lock = threading.Lock()
        self.seen: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        self.most_at_once = self.at_once = 0
        self.random = random.Random(0)

    @property
    def url(self) -> str:
        """The base of its addresses."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def completion(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The right reply to a request."""
        user = asked["messages"][0]["content"]
        picture = next(part for part in user if part["type"] == "image_url")["image_url"]["url"]
        pixels = open_image(base64.b64decode(picture.partition(",")[2])).pixels
        question = next(part for part in user if part["type"] == "text")["text"]
        begun = self._begun(asked)
        with self.lock:
            written = self._write(pixels, question, begun, asked["max_tokens"])
            prompt = self._prompt(pixels, question, begun) if "prompt_logprobs" in asked else None
        ended = written[-1]["token"] == END
        stopped = len(begun) + len(written) == self.ways.stop_after
        shown = written if self.ways.ends or not ended else written[:-1]
        words = [each["token"].strip() for each in written if each["token"] != END]
        content = shown if asked.get("logprobs") and self.ways.logprobs else None
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": asked["model"],
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": " ".join(words)},
                    "logprobs": None if content is None else {"content": content},
                    "finish_reason": "stop" if ended or stopped else "length",
                }
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": len(written)},
            **({} if prompt is None or not self.ways.prompt else {"prompt_logprobs": prompt}),
        }

    def refusal(self, asked: dict[str, Any]) -> str | None:
        """Why a request is not taken."""
        extra = {"add_generation_prompt", "continue_final_message"}
        known = {"model", "messages", "max_tokens", "temperature", "seed", "n", "logprobs"}
        known |= {"top_logprobs"} | (extra if self.ways.prefill else set())
        known |= {"prompt_logprobs"} | extra if self.ways.prompt else set()
        if self.ways.strict and set(asked) - known:
            return f"Unrecognized request argument supplied: {min(set(asked) - known)}"
        if asked.get("top_logprobs", 0) > self.ways.top:
            return f"top_logprobs must be at most {self.ways.top}"
        return None

    def _begun(self, asked: dict[str, Any]) -> list[int]:
        last = asked["messages"][-1]
        if last["role"] != "assistant":
            return []
        tokens = self._tokens(last["content"])
        # a server that knows no begun turns closes it, and begins a new one
        goes_on = (self.ways.prefill or self.ways.prompt) and asked.get("continue_final_message")
        return tokens if goes_on else [*tokens, self.model.processor.tokenizer.eos_token_id]

    def _tokens(self, text: str) -> list[int]:
        ids: list[int] = self.model.processor.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def _scores(self, pixels: Any, question: str, ids: list[int]) -> tuple[Any, Any]:
        """Log-probabilities behind every position of prompt and answer, and the ids."""
        key = (id(self.model), pixels.tobytes(), pixels.shape, question, tuple(ids))
        if key not in _PASSES:
            encoded = encode_forced(self.model, pixels, question, ids, preset="chat")
            with torch.no_grad():
                logits = self.model.hf(**encoded.inputs).logits[0]
            _PASSES[key] = logits.float().log_softmax(-1), encoded.inputs["input_ids"][0]
        scores, sequence = _PASSES[key]
        return scores, sequence

    def _noises(self, scores: Any) -> Any:
        if not self.ways.noise:
            return 0.0
        generator = torch.Generator().manual_seed(self.random.randrange(1 << 30))
        return -self.ways.noise * torch.rand(scores.shape, generator=generator)

    def _write(self, pixels: Any, question: str, begun: list[int], most: int) -> list[Any]:
        tokenizer = self.model.processor.tokenizer
        written: list[Any] = []
        ids = list(begun)
        most = min(most, self.ways.stop_after - len(begun)) if self.ways.stop_after else most
        while len(written) < max(1, most):
            row = self._scores(pixels, question, ids)[0][-1]
            best = int(row.argmax())
            row = row + self._noises(row)  # what is said differs, what is written does not
            values, likeliest = row.topk(min(self.ways.top, len(row)))
            pairs = zip(likeliest.tolist(), values.tolist(), strict=True)
            top = [{"token": self._shown(i), "logprob": min(v, 0.0)} for i, v in pairs]
            written.append(
                {
                    "token": self._shown(best),
                    "logprob": min(float(row[best]), 0.0),
                    "bytes": list(self._shown(best).encode()),
                    "top_logprobs": top if self.ways.top else [],
                }
            )
            if best == tokenizer.eos_token_id:
                break
            ids.append(best)
        return written

    def _prompt(self, pixels: Any, question: str, ids: list[int]) -> list[Any]:
        scores, sequence = self._scores(pixels, question, ids)
        scores = scores + self._noises(scores)
        every: list[Any] = [None]
        for place, token in enumerate(sequence.tolist()[1:]):
            value = min(float(scores[place, token]), 0.0)
            shown = {"logprob": value, "rank": 1, "decoded_token": self._shown(token)}
            every.append({str(token): shown})
        return every

    def _shown(self, token: int) -> str:
        text: str = self.model.processor.tokenizer.decode([token])
        return f" {text}" if self.ways.spaced and text != END else text


class _Handler(BaseHTTPRequestHandler):
    server: ChatServer
    protocol_version = "HTTP/1.1"
    under_way = False

    def do_GET(self) -> None:
        """Nothing is to be had by it; what is asked for is noted all the same."""
        self.server.headers.append(dict(self.headers.items()))
        self._send(404, b"{}")

    def do_POST(self) -> None:
        """One completion."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server, ways = self.server, self.server.ways
        with server.lock:
            server.headers.append(dict(self.headers.items()))
            server.times.append(time.monotonic())
            server.at_once += 1
            self.under_way = True
            server.most_at_once = max(server.most_at_once, server.at_once)
            kind = ways.broken.pop(0) if ways.broken else ways.always
        try:
            time.sleep(ways.delay)
            with suppress(ConnectionError):  # of one that does not wait any longer
                self._answer(kind, json.loads(body))
        finally:
            self._leave()

    def _leave(self) -> None:
        """Before the reply is there, for with it the next request may come."""
        with self.server.lock:
            self.server.at_once -= self.under_way
            self.under_way = False

    def _answer(self, kind: str | None, asked: dict[str, Any]) -> None:
        server, ways = self.server, self.server.ways
        if kind is not None:
            getattr(self, f"_{kind}")(asked)
            return
        if ways.key is not None and self.headers.get("Authorization") != f"Bearer {ways.key}":
            self._error(401, f"Incorrect API key provided: {self.headers.get('Authorization')}")
            return
        if not self.path.endswith("/v1/chat/completions"):
            self._error(404, "Not Found")
            return
        refused = server.refusal(asked)
        if refused is not None:
            self._error(400, refused)
            return
        reply = server.completion(asked)
        server.seen.append(asked)
        if ways.spoil is not None:
            reply = ways.spoil(reply, len(server.seen))
        self._send(200, json.dumps(reply).encode())

    def _error(self, status: int, words: str, **headers: str) -> None:
        self._send(status, json.dumps({"error": {"message": words}}).encode(), **headers)

    def _send(
        self, status: int, body: bytes, kind: str = "application/json", **headers: str
    ) -> None:
        self._leave()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _busy(self, _: Any) -> None:
        self._error(429, "Rate limit reached", Retry_After="0.05")

    def _far_too_busy(self, _: Any) -> None:
        self._error(429, "Rate limit reached", Retry_After="86400")

    def _down(self, _: Any) -> None:
        self._error(503, f"overloaded, {self.headers.get('Authorization')}")

    def _html(self, _: Any) -> None:
        self._send(200, b"<!doctype html><title>Welcome</title>", "text/html")

    def _cut_json(self, _: Any) -> None:
        self._send(200, b'{"choices": [{"message": {"con')

    def _list(self, _: Any) -> None:
        self._send(200, b"[1, 2]")

    def _hang_up(self, _: Any) -> None:
        self._leave()
        self.close_connection = True
        self.connection.close()

    def _slow(self, _: Any) -> None:
        time.sleep(0.6)
        self._error(503, "late")

    def _elsewhere(self, _: Any) -> None:
        self._send(307, b"", Location=self.server.ways.spoil)

    def _too_large(self, _: Any) -> None:
        self._error(413, "Request Entity Too Large")

    def _nothing(self, _: Any) -> None:
        self._send(200, b'{"object": "list", "data": []}')

    def log_message(self, *_: Any) -> None:
        """Tests print nothing."""


@cache
def small_model() -> LoadedModel:
    """A small random LLaVA, the same one for every test that a server serves it to."""
    return llava(seed=5)


def picture() -> NDArray[np.uint8]:
    """60 by 90 pixels of noise."""
    return np.random.default_rng(3).integers(0, 255, (60, 90, 3), dtype=np.uint8)


@contextmanager
def serving(ways: Ways | None = None, model: LoadedModel | None = None) -> Iterator[ChatServer]:
    """A server on a free port, closed in the end; tiny-llava unless a model is given."""
    server = ChatServer(model or vs.load("tiny-llava"), ways or Ways())
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
