"""The table of docs/model-types.md: every type of transformers' image-text-to-text models.

``python docs/building/model_types.py`` writes it anew from the installed transformers;
``tests/docs/test_model_types.py`` says when that is due. It stands between ``<!-- model types -->`` and
``<!-- end of model types -->``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
        families: that cover it, (tower, id): with one vision tower alone, or "" for any; empty: refused.
        reason: why it is refused; "" for a covered one.
        torchvision: its image processor has no Pillow form.
        timm: its vision tower is one of timm's.
    """

    name: str
    model: str
    families: tuple[tuple[str, str], ...]
    reason: str
    torchvision: bool
    timm: bool


def model_types() -> Iterator[ModelType]:
    """Every type of transformers' mapping, by name.

    Raises:
        KeyError: a type that no family covers and that ``vlmscope.models.refused_types`` leaves out.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES

    from vlmscope.models.families import FAMILIES
    from vlmscope.models.refused_types import REFUSED

    families = _families()
    for name, model in sorted(MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES.items()):
        covering = tuple(sorted(families.get(name, {}).items()))
        reason = "" if covering else REFUSED[name]
        timm = any(getattr(FAMILIES.get(id), "timm", False) for _, id in covering)
        yield ModelType(name, str(model), covering, reason, _needs_torchvision(name), timm)


def with_table(page: str) -> str:
    """The page with its table written anew.

    Raises:
        ValueError: a page without the two marks.
    """
    rows = list(model_types())
    covered = sum(bool(row.families) for row in rows)
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


def _families() -> dict[str, dict[str, str]]:
    """Model type -> vision tower, "" for any -> id of the family."""
    from vlmscope.models.families import FAMILIES

    families: dict[str, dict[str, str]] = {}
    for family in FAMILIES:
        for name in family.model_types:
            tower = getattr(family, "only_tower", None) or ""
            families.setdefault(name, {})[tower] = family.id
    return families


def _needs_torchvision(name: str) -> bool:
    from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING_NAMES

    kinds = IMAGE_PROCESSOR_MAPPING_NAMES.get(name) or {}
    return set(kinds) == {"torchvision"}


def _said(row: ModelType) -> str:
    if not row.families:
        return row.reason
    ids = (
        f"**`{id}`**" + (f" with a `{tower}` tower" if tower else "") for tower, id in row.families
    )
    if row.timm:
        return ", ".join(ids) + ", needs timm and torchvision"
    return ", ".join(ids) + (", needs torchvision" if row.torchvision else "")


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
