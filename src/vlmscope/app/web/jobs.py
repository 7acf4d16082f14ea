"""From a request to a job, and from its answer back: the event loop only waits."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from vlmscope.app.engine.job import Job, cancelled
from vlmscope.app.refusal import Refusal
from vlmscope.app.service import Service
from vlmscope.viewer import MIME, View

__all__ = ["JOB", "TAB", "computed", "service_of", "tab_of", "viewed"]

TAB, JOB = "x-vlmscope-tab", "x-vlmscope-job"
"""Headers: which tab asks, and by what name its job can be cancelled."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def service_of(request: Request) -> Service:
    """What the endpoints share."""
    service: Service = request.app.state.service
    return service


def tab_of(request: Request) -> str:
    """The tab that asks; "" where it does not say.

    Raises:
        Refusal: a name that is none.
    """
    return _named(request, TAB) or ""


async def viewed(request: Request, work: Callable[[], View]) -> Response:
    """The view that a job makes, packed.

    Raises:
        Refusal: what :func:`computed` raises.
    """
    view = await computed(request, work)
    data = await service_of(request).aside(view.pack)
    return Response(data, media_type=MIME)


async def computed(request: Request, work: Callable[[], Any]) -> Any:
    """What a job gives, run in the model's thread; a client that goes cancels it.

    Raises:
        Refusal: it was refused, cancelled or superseded, or what went wrong in it.
    """
    queue = service_of(request).queue
    name = _named(request, JOB) or secrets.token_hex(8)
    job = Job(name, tab_of(request), request.url.path, work)
    queue.submit(job)
    answer = asyncio.wrap_future(job.future)
    answer.add_done_callback(_looked_at)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise cancelled()
        return answer.result()
    finally:
        gone.cancel()
        if not answer.done():
            queue.cancel(job.id)


async def _gone(request: Request) -> None:
    """Ends when the client has gone; the request itself has been read by then."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _looked_at(answer: asyncio.Future[Any]) -> None:
    """An error that nobody waits for any more is no fault of the program."""
    if not answer.cancelled():
        answer.exception()


def _named(request: Request, header: str) -> str | None:
    value = request.headers.get(header)
    if value is not None and not _NAME.fullmatch(value):
        raise Refusal(
            400,
            "bad-request",
            f"{header} is a name of up to 64 letters, figures, dots, dashes and underscores.",
        )
    return value
