"""What the viewer's tests compare with is what Python paints today."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "viewer/tests"
NAMES = ("container.json", "float16.json", "paint.json", "colours.json", "hatch.json")


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(str(FOLDER))
    import make_fixtures

    return make_fixtures.fixtures()


def kept(name: str) -> Any:
    return json.loads((FOLDER / "fixtures" / name).read_text(encoding="utf-8"))


def test_every_file_has_its_maker(today: dict[str, Any]) -> None:
    assert set(today) == {path.name for path in (FOLDER / "fixtures").iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "paint.json"])
def test_the_rest_is_equal(name: str, today: dict[str, Any]) -> None:
    assert json.loads(json.dumps(today[name])) == kept(name)


def test_paintings_are_equal_but_for_the_last_digits(today: dict[str, Any]) -> None:
    for ours, theirs in zip(today["paint.json"], kept("paint.json"), strict=True):
        assert ours["name"] == theirs["name"]
        np.testing.assert_allclose(painted(ours), painted(theirs), atol=1e-6)


def painted(case: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(case["painted"]), dtype="<f4")
