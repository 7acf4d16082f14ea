"""Many pictures put to an endpoint side by side, each request kept once it is answered."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

from vlmscope.analysis.endpoint.client import Endpoint
from vlmscope.analysis.endpoint.client.log import AnswerLog, digest_of
from vlmscope.analysis.endpoint.replies import IncompleteReply, Reply
from vlmscope.errors import BadOptionError, EndpointError
from vlmscope.progress import progress_bar

__all__ = ["Asker"]

Item = TypeVar("Item")
Value = TypeVar("Value")


class Asker:
    """Asks an endpoint what it was not asked before.

    Args:
        endpoint: that is asked.
        log: of what it answered.
        progress: show a bar on stderr.

    Attributes:
        is_new: the log was empty when it began.
        from_disk: requests that an earlier run has answered.
    """

    def __init__(self, endpoint: Endpoint, log: AnswerLog, progress: bool = False) -> None:
        self.endpoint, self._log, self._progress = endpoint, log, progress
        self.is_new = log.is_new
        self._before = endpoint.sent, endpoint.repeated
        self.from_disk = 0
        self._asked: set[str] = set()
        self._lock = threading.Lock()

    @property
    def sent(self) -> int:
        """Requests that this run has sent, repeated ones included."""
        return self.endpoint.sent - self._before[0]

    @property
    def repeated(self) -> int:
        """Those of them that repeat one that came to nothing."""
        return self.endpoint.repeated - self._before[1]

    def knows(self, payload: dict[str, Any], repeat: int = 0) -> bool:
        """Whether a request was answered before."""
        return self._log.get(self._digest(payload, repeat)) is not None

    def ask(self, payload: dict[str, Any], repeat: int = 0) -> Reply:
        """What is answered to a request; a reply without what was asked for is not kept.

        Args:
            payload: see :mod:`.messages`.
            repeat: which time it is asked, from 0: another time is another request.

        Raises:
            IncompleteReply: without log-probabilities.
            EndpointError, BadOptionError: as :meth:`Endpoint.ask`.
        """
        digest = self._digest(payload, repeat)
        known = self._log.get(digest)
        with self._lock:
            self.from_disk += known is not None and digest not in self._asked
            self._asked.add(digest)
        if known is not None:
            return Reply(known)
        reply = Reply.of(self.endpoint.ask(payload))
        _ = reply.prompt if "prompt_logprobs" in payload else reply.places
        self._log.add(digest, reply.record)
        return reply

    def each(
        self, items: Sequence[Item], measure: Callable[[Item], Value], title: str
    ) -> list[Value]:
        """Measure items side by side; in their order.

        Args:
            items: pictures, or what makes one.
            measure: asks for one; replies that lack something are counted, anything else ends it.
            title: of the bar.

        Raises:
            EndpointError: some replies cannot be used: how many, and why.
        """
        lacking: Counter[str] = Counter()

        def one(item: Item) -> Value | None:
            try:
                return measure(item)
            except IncompleteReply as error:
                lacking[error.reason] += 1
                return None

        values = self._side_by_side(items, one, title)
        if lacking:
            reasons = ", ".join(f"it {reason} ({count})" for reason, count in lacking.most_common())
            raise EndpointError(
                f"{sum(lacking.values())} of {len(items)} pictures ({title}) got a reply that cannot be "
                f"used: {reasons}. Nothing is put in their place; ask again, with --resume for the missing "
                "ones alone."
            )
        return [value for value in values if value is not None]

    def _side_by_side(
        self, items: Sequence[Item], one: Callable[[Item], Value], title: str
    ) -> list[Value]:
        with ThreadPoolExecutor(self.endpoint.options.at_once) as pool:
            futures: list[Future[Value]] = [pool.submit(one, item) for item in items]
            bar = progress_bar((), title, total=len(items), unit="picture", progress=self._progress)
            try:
                with bar:
                    for future in as_completed(futures):
                        future.result()  # the first failure ends it
                        bar.update(1)
            finally:
                for future in futures:
                    future.cancel()
        return [future.result() for future in futures]

    def check_budget(self, needed: int, doing: str) -> None:
        """Refuse work that the budget does not hold, before it is begun.

        Args:
            needed: requests.
            doing: what they are for.

        Raises:
            BadOptionError: needed and left.
        """
        left = self.endpoint.left
        if left is None or needed <= left:
            return
        sent = self.endpoint.sent
        begun = f", of which {sent} were sent" if sent else ""
        raise BadOptionError(
            f"This run needs {needed + sent} requests ({doing}), the budget is "
            f"{self.endpoint.options.budget}{begun}. Raise --budget, or need less: a smaller --grid, fewer "
            "--steps or --no-curves."
        )

    def _digest(self, payload: dict[str, Any], repeat: int) -> str:
        return digest_of({"model": self.endpoint.model, **payload}, repeat)
