"""What all endpoints of one server share: the model, what waits for it, pictures, and perhaps a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from vlmscope.app.engine.interrupt import interruptible
from vlmscope.app.engine.pictures import PictureStore
from vlmscope.app.engine.prefixes import PrefixKeeper
from vlmscope.app.engine.queue import JobQueue
from vlmscope.app.folder.labels import ServedFolder
from vlmscope.app.settings import AppSettings
from vlmscope.models import DualEncoder, LoadedModel

__all__ = ["Service"]

_THREADS = 2  # that decode and encode; the model has one of its own


class Service:
    """One model behind one server.

    Args:
        model: the model; nothing but the queue's thread runs it.
        settings: how it is served.
        folder: a folder of labels, or None.
    """

    def __init__(
        self,
        model: LoadedModel | DualEncoder,
        settings: AppSettings,
        folder: ServedFolder | None = None,
    ) -> None:
        self.model, self.settings, self.folder = model, settings, folder
        self.pictures = PictureStore(settings.limits)
        self.prefixes = PrefixKeeper(model) if isinstance(model, LoadedModel) else None
        self.queue = JobQueue(settings.limits.waiting, partial(interruptible, model))
        self.uploading = 0
        self._threads = ThreadPoolExecutor(_THREADS, "vlmscope-pictures")

    async def aside(self, work: Callable[..., Any], *words: Any) -> Any:
        """Run something that takes a while, and is none of the model's, beside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *words)

    def close(self) -> None:
        """End the threads; what waits is refused."""
        self.queue.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
