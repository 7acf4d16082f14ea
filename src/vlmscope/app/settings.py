"""What an app is started with, and how much it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["AppSettings", "Limits"]


@dataclass(frozen=True)
class Limits:
    """How much of anything one server takes; whatever is beyond is refused before it is computed.

    Attributes:
        upload_bytes: of one encoded picture.
        pixels: of one picture, height x width.
        body_bytes: of any other request.
        phrase: characters of a phrase or question.
        tokens: of an answer.
        pictures: that are kept in memory.
        picture_bytes: of all pictures that are kept, as decoded.
        waiting: jobs that wait for the model.
        body_seconds: in which a request must have arrived.
    """

    upload_bytes: int = 32 << 20
    pixels: int = 50_000_000
    body_bytes: int = 1 << 20
    phrase: int = 2_000
    tokens: int = 256
    pictures: int = 64
    picture_bytes: int = 768 << 20
    waiting: int = 32
    body_seconds: float = 60.0


@dataclass(frozen=True)
class AppSettings:
    """How a model is served.

    Attributes:
        host: address to listen on.
        token: what every request of the interface must bear; None: none is asked for, which only a
            loopback address may have.
        names: names beside ``host`` under which the server may be called, such as a proxy's.
        root_path: what a proxy takes off the path in front of it.
        heads: heads that phrases are read from, in any form that ``vlmscope.ground`` takes; None:
            those that are known for the model.
        limits: how much it takes.
    """

    host: str = "127.0.0.1"
    token: str | None = field(default=None, repr=False)
    names: tuple[str, ...] = ()
    root_path: str = ""
    heads: Any = None
    limits: Limits = Limits()
