"""The same known heads that discovery is tested on."""

from __future__ import annotations

import pytest

from handmade import FakeModel, PlantedHeads


@pytest.fixture
def fake() -> FakeModel:
    return FakeModel()


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> PlantedHeads:
    """Reads known heads in place of a model's."""
    reader = PlantedHeads()
    monkeypatch.setattr("vlmscope.attention.maps.read_heads", reader)
    monkeypatch.setattr("vlmscope.attention.maps.read_heads", reader)
    return reader
