"""A served model that is asked over HTTP, as often as its budget and its pace allow."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from vlmscope.analysis.endpoint.client.address import Address
from vlmscope.analysis.endpoint.client.faults import Unfinished, fault_of, json_of
from vlmscope.analysis.endpoint.client.key import Key
from vlmscope.analysis.endpoint.client.options import EndpointOptions
from vlmscope.analysis.endpoint.client.pace import (
    LONGEST_PAUSE,
    Pace,
    pause_before,
    told_to_wait,
)
from vlmscope.analysis.endpoint.client.wire import BrokenConnection, Received, post
from vlmscope.errors import BadOptionError, EndpointError
from vlmscope.markup import one_line

__all__ = ["Endpoint"]


class Endpoint:
    """A model behind an OpenAI-compatible chat endpoint.

    Nothing is sent when it is made. The key is read from the environment and goes into the header of
    requests to this address and nowhere else: into no record, no message, no text form.

    Args:
        url: base of the endpoint, such as ``http://localhost:8000/v1``.
        model: name of the model there.
        key_from: environment variable that holds the key; None: ``OPENAI_API_KEY``, which may be
            unset; empty: no key is sent.
        options: see :class:`EndpointOptions`.

    Raises:
        BadOptionError: no address, no model, a key that is not there, or a key that would go over the
            network unencrypted.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key_from: str | None = None,
        options: EndpointOptions | None = None,
    ) -> None:
        self.address = Address.of(url)
        self.options = options or EndpointOptions()
        if not isinstance(model, str) or not model.strip():
            raise BadOptionError(f"An endpoint is asked for a model by its name, got {model!r}.")
        self.model = model.strip()
        self._key = Key(key_from)
        if self._key and not (self.address.encrypted or self.address.local):
            raise BadOptionError(
                f"The key in {self._key.variable} would go to {self.address.base} unencrypted. Use https, or "
                "send none: --key-from ''."
            )
        self._pace = Pace(self.options.per_minute)
        self._lock = threading.Lock()
        self._sent = self._repeated = 0

    def __repr__(self) -> str:
        return one_line(self, f"{self.model} at {self.address.base}", f"{self.sent} requests sent")

    @property
    def sent(self) -> int:
        """Requests that were sent, repeated ones included."""
        return self._sent

    @property
    def repeated(self) -> int:
        """Requests that were sent because an earlier one came to nothing."""
        return self._repeated

    @property
    def left(self) -> int | None:
        """Requests that the budget still holds; None: there is no budget."""
        return None if self.options.budget is None else self.options.budget - self._sent

    def ask(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a request for a chat completion, again where that may help; what came back.

        Args:
            payload: JSON values; the model's name is put in.

        Raises:
            EndpointError: no answer, and why; the subclass ``RefusedRequest`` where the endpoint does
                not take requests of this form.
            BadOptionError: the budget is used up.
        """
        body = json.dumps({"model": self.model, **payload}, allow_nan=False).encode()
        return self._tried(lambda: self._once(body))

    def _tried(self, send: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        tries = self.options.retries + 1
        for attempt in range(1, tries + 1):
            try:
                return send()
            except Unfinished as error:
                if attempt == tries:
                    times = "once" if tries == 1 else f"{tries} times"
                    raise EndpointError(
                        f"{error}; asked {times}. Wait, ask less at once (--at-once, --per-minute) or "
                        "raise --retries; with --resume nothing that was answered is asked again."
                    ) from None
                self._pace.pause(pause_before(attempt) if error.pause is None else error.pause)
                with self._lock:
                    self._repeated += 1
        raise AssertionError("there is at least one attempt")

    def _once(self, body: bytes) -> dict[str, Any]:
        self._pace.wait()
        self._pay()
        try:
            received = post(
                self.address.chat,
                body,
                self._key.sign,
                self.options.timeout,
                direct=self.address.local,
            )
        except BrokenConnection as error:
            kind = Unfinished if error.again else EndpointError
            end = "" if error.again else ". Check the address."
            raise kind(f"{self.address.base} cannot be reached: {error}{end}") from None
        return self._read(received)

    def _read(self, received: Received) -> dict[str, Any]:
        fault = fault_of(received, self.address, self._key)
        if isinstance(fault, Unfinished):
            pause = told_to_wait(received.headers.get("retry-after"))
            if pause is not None and pause > LONGEST_PAUSE:
                raise EndpointError(
                    f"{fault} and asks to wait for {pause:.0f} seconds, longer than the "
                    f"{LONGEST_PAUSE:.0f} that are waited. Run it again then, with --resume."
                )
            fault.pause = pause
        if fault is not None:
            raise fault
        return json_of(received, self.address, self._key)

    def _pay(self) -> None:
        with self._lock:
            if self.left == 0:
                raise BadOptionError(
                    f"The budget of {self.options.budget} requests is used up"
                    f"{f', {self._repeated} of them on requests that failed' if self._repeated else ''}. "
                    "Raise --budget; with --resume nothing that was answered is asked again."
                )
            self._sent += 1
