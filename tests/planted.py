"""A model whose heads are known, so that discovery, verification and grounding have a right answer."""

from __future__ import annotations

import pytest

from handmade import FakeModel, PlantedHeads, scene

__all__ = ["fake", "pairs", "planted"]


@pytest.fixture
def fake() -> FakeModel:
    return FakeModel()


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> PlantedHeads:
    """Reads known heads in place of a model's."""
    reader = PlantedHeads()
    monkeypatch.setattr("vlmscope.heads.readings.read_heads", reader)
    monkeypatch.setattr("vlmscope.methods.decoder.reads.read_together", reader.together)
    return reader


@pytest.fixture
def pairs() -> list[tuple]:
    """Twenty images with a phrase each."""
    return [(scene(number)[0], "the bright thing") for number in range(20)]
