"""Work on the next items is done in threads while the present one is being used."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

__all__ = ["ahead"]

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    items: Iterable[Item], work: Callable[[Item], Result], count: int = 2, threads: int = 1
) -> Iterator[tuple[Item, Callable[[], Result]]]:
    """Each item, in order, with a function that gives what ``work`` makes of it, or raises its error.

    Never more than ``count`` results wait beside the one in use: memory does not grow with the items.

    Args:
        items: read one by one, as they are needed.
        work: called in other threads; where there is one, on one item after the other.
        count: how far ahead it may go.
        threads: how many work at a time.
    """
    source = iter(items)
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="vlmscope-ahead")
    try:
        waiting.extend((item, pool.submit(work, item)) for item in islice(source, count))
        while waiting:
            item, result = waiting.popleft()
            # the thread goes on while this one is used
            waiting.extend((each, pool.submit(work, each)) for each in islice(source, 1))
            yield item, result.result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
