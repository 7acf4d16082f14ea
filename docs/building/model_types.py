"""The table of docs/model-types.md: every type of transformers' image-text-to-text models.

``python docs/building/model_types.py`` writes it anew from the installed transformers;
``tests/docs/test_model_types.py`` says when that is due. It stands between ``<!-- model types -->`` and
``<!-- end of model types -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

__all__ = ["PAGE", "ModelType", "model_types", "with_table"]

PAGE = Path(__file__).parents[1] / "model-types.md"
_BLOCK = re.compile(r"<!-- model types -->\n.*?<!-- end of model types -->", re.DOTALL)


class ModelType(NamedTuple):
    """One row.

    Attributes:
        name: ``config.model_type``.
        model: class of transformers.
        family: that covers it; None: refused.
        reason: why it is refused; "" for a covered one.
        torchvision: its image processor has no Pillow form.
        towers: vision tower -> family, where one of its own covers the type with that tower.
    """

    name: str
    model: str
    family: str | None
    reason: str
    torchvision: bool
    towers: Mapping[str, str]


def model_types() -> Iterator[ModelType]:
    """Every type of transformers' mapping, by name.

    Raises:
        KeyError: a type that no family covers and that ``vlmscope.models.refused_types`` leaves out.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    from vlmscope.models.families import FAMILIES
    from vlmscope.models.refused_types import REFUSED

    families: dict[str, str] = {}
    towers: dict[str, dict[str, str]] = {}
    for each in FAMILIES:
        for name in each.model_types:
            tower = getattr(each, "only_tower", None)
            taken = families if tower is None else towers.setdefault(name, {})
            taken[name if tower is None else tower] = each.id
    for name, model in sorted(MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES.items()):
        family = families.get(name)
        reason = "" if family else REFUSED[name]
        special = towers.get(name, {})
        yield ModelType(name, str(model), family, reason, _needs_torchvision(name), special)


def with_table(page: str) -> str:
    """The page with its table written anew.

    Raises:
        ValueError: a page without the two marks.
    """
    rows = list(model_types())
    covered = sum(row.family is not None for row in rows)
    lines = [
        "<!-- model types -->",
        f"{len(rows)} types, {covered} covered.",
        "",
        "| `model_type` | class | |",
        "|---|---|---|",
        *(f"| `{row.name}` | `{row.model}` | {_said(row)} |" for row in rows),
        "<!-- end of model types -->",
    ]
    if not _BLOCK.search(page):
        raise ValueError("There is no <!-- model types --> block to write the table into.")
    return _BLOCK.sub(lambda _: "\n".join(lines), page)


def _needs_torchvision(name: str) -> bool:
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES

    kinds = IMAGE_PROCESSOR_MAPPING_NAMES.get(name) or {}
    return set(kinds) == {"torchvision"}


def _said(row: ModelType) -> str:
    if row.family is None:
        return row.reason
    special = [f"with a `{tower}` tower **`{name}`**" for tower, name in row.towers.items()]
    needs = ["needs torchvision"] if row.torchvision else []
    return ", ".join([f"**`{row.family}`**", *special, *needs])


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
