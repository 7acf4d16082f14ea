"""docs/start.md lists every extra that can be installed, and no other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from vlmscope.doctor.health import EXTRAS

ROOT = Path(__file__).parents[2]


def test_every_extra_is_in_the_table() -> None:
    text = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    table = text.split("\n## Extras\n\n")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {*EXTRAS, "all"}


def test_all_is_all_but_what_the_table_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    [every] = project["optional-dependencies"]["all"]
    assert set(every.split("[")[1].rstrip("]").split(",")) == set(EXTRAS) - {"fiftyone"}
