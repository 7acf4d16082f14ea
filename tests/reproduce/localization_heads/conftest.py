"""Rendered sets in a root, and one model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import vlmscope as vs
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.heads import readings
from vlmscope.models import LoadedModel
from vlmscope.reproduce.localization_heads import images


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``refcoco`` with two images in each split."""
    folder = tmp_path_factory.mktemp("root")
    make_tiny("refcoco", folder / "refcoco", 2)
    return folder


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Path:
    """A copy of the root that may be changed."""
    return Path(shutil.copytree(root, tmp_path / "root"))


@pytest.fixture(scope="session")
def model() -> LoadedModel:
    return vs.load("tiny-llava")


@dataclass
class Reads:
    """Passes over images, in order; stops before the one that is set.

    Attributes:
        stop: index of the pass that is not begun; None: none.
        done: what was asked of each.
    """

    stop: int | None = None
    done: list[tuple[str, ...]] = field(default_factory=list)

    def wrapped(self, read: Callable[..., Any]) -> Callable[..., Any]:
        def counted(model: Any, pixels: Any, phrases: Any, **reading: Any) -> Any:
            if self.stop is not None and len(self.done) == self.stop:
                raise KeyboardInterrupt
            results = read(model, pixels, phrases, **reading)
            heads = reading.get("heads")
            number = "all" if heads is None else str(len(heads))
            self.done.append((str(reading["preset"]), str(reading["placement"]), number, *phrases))
            return results

        return counted


@pytest.fixture
def reads() -> Iterator[Reads]:
    counted = Reads()
    with pytest.MonkeyPatch.context() as patch:
        for module in (readings, images):
            patch.setattr(module, "read_heads", counted.wrapped(module.read_heads))
        yield counted
