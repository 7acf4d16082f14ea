"""Answers on disk, by a digest of what was asked, so that no request is paid for twice."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from typing import Any

from vlmscope.data.resume import SampleLog

__all__ = ["AnswerLog", "digest_of"]


def digest_of(payload: dict[str, Any], repeat: int) -> str:
    """Of a request, the picture included; the key is no part of it.

    Args:
        payload: JSON values.
        repeat: which time it is asked, from 0.
    """
    text = json.dumps([payload, repeat], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class AnswerLog:
    """What came back to each request, for several threads.

    Args:
        path: of a state file, see :class:`vlmscope.data.resume.SampleLog`; None: a temporary one.
        base: address of the endpoint.
        model: name of the model there.

    Raises:
        ModelMismatchError: the file is of another endpoint or model.
        OutputError: a file that is no such log, or cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str] | None, base: str, model: str) -> None:
        self._log = SampleLog(path, {"analysis": "endpoint", "endpoint": base, "model": model})
        self._lock = threading.Lock()

    @property
    def is_new(self) -> bool:
        """Whether it holds no answer yet."""
        with self._lock:
            return len(self._log) == 0

    def get(self, digest: str) -> dict[str, Any] | None:
        """What was answered; None: it was not asked yet."""
        with self._lock:
            return self._log[digest]["reply"] if digest in self._log else None

    def add(self, digest: str, reply: dict[str, Any]) -> None:
        """Keep an answer."""
        with self._lock:
            if digest not in self._log:
                self._log.add(digest, {"reply": reply})
