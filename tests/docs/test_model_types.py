"""docs/model-types.md says of every type of transformers whether it is read, and is up to date."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from vlmscope.errors import UnsupportedError
from vlmscope.models.decoders.family import Family
from vlmscope.models.families import FAMILIES
from vlmscope.models.refused_types import REFUSED


def _script() -> ModuleType:
    path = Path(__file__).parents[2] / "docs" / "building" / "model_types.py"
    spec = importlib.util.spec_from_file_location("model_types", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


TABLE = _script()


def test_the_table_is_that_of_the_installed_transformers() -> None:
    page = TABLE.PAGE.read_text(encoding="utf-8")
    assert TABLE.with_table(page) == page, "run: PYTHONPATH=src python docs/building/model_types.py"


def test_every_type_is_covered_or_refused_and_none_is_both() -> None:
    rows = list(TABLE.model_types())
    assert len(rows) > 90
    for row in rows:
        assert bool(row.family) != bool(row.reason), row.name
    covered = {name for family in FAMILIES for name in family.model_types}
    assert not covered & set(REFUSED)
    assert not set(REFUSED) - {row.name for row in rows}, (
        "refused, and not in transformers' mapping"
    )


def test_families_say_themselves_whether_they_need_torchvision() -> None:
    for row in TABLE.model_types():
        family = FAMILIES.get(row.family) if row.family else None
        if isinstance(family, Family):
            assert family.torchvision == row.torchvision, row.name


def test_a_page_without_its_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="block to write the table into"):
        TABLE.with_table("# Model types\n")


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_loading_a_refused_type_says_why(name: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        FAMILIES.for_config({"model_type": name}, "somebody/model")
    assert REFUSED[name] in str(error.value) and "somebody/model" in str(error.value)
