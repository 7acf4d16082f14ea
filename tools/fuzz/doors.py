"""Call one door on one input, and keep all that can be seen of it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from tools.fuzz.inputs import Input
from tools.fuzz.library import DOORS
from tools.fuzz.watch import Watched, watched

__all__ = ["Outcome", "call", "one_load"]

SECONDS = 120


@dataclass(frozen=True)
class Outcome:
    """What came of a call.

    Attributes:
        code: exit code of the command line; None for a door of the library, or if it raised.
        error: what was raised; None: nothing.
        seen: what it did beside.
        files: path within the folder -> content, after the call; what was linked into it is left out.
    """

    code: int | None
    error: BaseException | None
    seen: Watched
    files: Mapping[str, bytes]


def call(case: Input, folder: Path, doors: Mapping[str, Callable[..., Any]] = DOORS) -> Outcome:
    """Lay out an input in an empty folder and call its door there."""
    from vlmscope.cli import main

    case.lay_out(folder)
    code: int | None = None
    error: BaseException | None = None
    with contextlib.chdir(folder), watched(SECONDS) as seen, warnings.catch_warnings():
        if case.library:  # there a warning is for the caller; the command line shows its own
            warnings.simplefilter("ignore")
        try:
            if case.library:
                doors[case.words[0]](*case.words[1:])
            else:
                code = main(list(case.words))
        except BaseException as raised:
            error = raised
    return Outcome(code, error, seen, _content(folder))


def _content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


@contextlib.contextmanager
def one_load() -> Iterator[None]:
    """Embedded models are loaded once in the block: only inputs that concern models load their own."""
    import vlmscope.models
    from vlmscope.tiny import EMBEDDED

    load = vlmscope.models.load

    @cache
    def kept(name: str, settings: tuple[tuple[str, Any], ...]) -> Any:
        return load(name, **dict(settings))

    def loaded(name: Any, **settings: Any) -> Any:
        if name in EMBEDDED:
            return kept(name, tuple(settings.items()))
        return load(name, **settings)

    with mock.patch.object(vlmscope.models, "load", loaded):
        yield
