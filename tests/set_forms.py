"""Every form in which a set of referring expressions is read, rendered small, to be spoiled alike.

A form knows where a rendered set keeps a row, its text, its box and its pictures, so that one test
can spoil all of them in the same way.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from set_rows import (
    Edit,
    SetRow,
    coco_json_edit,
    coco_json_row,
    flat,
    json_list,
    jsonl_edit,
    jsonl_row,
    jxu124_row,
    lmms_row,
    make_coco_json,
    make_jsonl,
    make_screens_in_parquet,
    of_instances,
    parquet,
    reasonseg_edit,
    reasonseg_row,
    refcoco_m_row,
    refs,
    sizes,
)
from vlmscope.data.tiny_sets import make_tiny

__all__ = ["FORMS", "Form", "form", "spoil"]


@dataclass(frozen=True)
class Form:
    """One form.

    Attributes:
        name: of the layout, or of the form that is made of it here.
        dataset: id of the data set that reads it.
        split: the usual one; None: it has none.
        make: renders it.
        edit: changes the list of its rows.
        row: of a set in a folder, the places of a row.
        pictures: glob of the picture files; "": they are inside.
        id: key of a row's id; "": rows have none.
        counted: whether the split's size is stated.
        options: for opening it.
    """

    name: str
    dataset: str
    split: str | None
    make: Callable[[Path], Any]
    edit: Callable[[Path, Edit], None]
    row: Callable[[Path], SetRow]
    pictures: str = ""
    id: str = ""
    counted: bool = True
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def tiny(like: str, images: int = 3) -> Callable[[Path], Any]:
    return lambda out: make_tiny(like, out, images)


def ref_form(like: str, file: str, listed: bool = False) -> Form:
    edit = refs(file)
    pictures = "train2014/*"
    return Form(like, like, "val", tiny(like), edit, of_instances(edit, listed), pictures, "ref_id")


JXU124 = parquet("data/validation-00000-of-00001.parquet")
LMMS = parquet("data/val-00000-of-00001.parquet")
REF_L4 = parquet("ref-l4-val.parquet")
GROUNDING_ME = parquet("data/test-00000-of-00001.parquet")
SCREENS = json_list("screenspot_web_v2.json")
SCREENS_INSIDE = parquet("data/test-00000-of-00001.parquet")

FORMS = (
    Form(
        "refcoco-m",
        "refcoco-m",
        "val",
        tiny("refcoco-m"),
        parquet("data/validation-00000-of-00001.parquet"),
        refcoco_m_row,
        id="image_id",
    ),
    Form(
        "ref-l4",
        "ref-l4",
        "val",
        tiny("ref-l4"),
        REF_L4,
        flat(REF_L4, "caption", sizes),
        "images/scenes/val*",
        "id",
    ),
    Form(
        "groundingme",
        "groundingme",
        "test",
        tiny("groundingme", 8),
        GROUNDING_ME,
        flat(GROUNDING_ME, "description", None),
        id="id",
    ),
    ref_form("refcoco", "refs(unc).p"),
    ref_form("refcoco+", "refs(unc).p"),
    ref_form("refcocog", "refs(umd).p"),
    ref_form("grefcoco", "grefs(unc).json", listed=True),
    Form(
        "refcoco-jxu124",
        "refcoco",
        "val",
        tiny("refcoco-jxu124"),
        JXU124,
        jxu124_row,
        "train2014/*",
        "ref_id",
    ),
    Form("refcoco-lmms", "refcoco", "val", tiny("refcoco-lmms"), LMMS, lmms_row),
    Form(
        "reasonseg",
        "reasonseg",
        "val",
        tiny("reasonseg"),
        reasonseg_edit,
        reasonseg_row,
        "val/*.jpg",
    ),
    Form(
        "screenspot",
        "screenspot",
        "web",
        tiny("screenspot", 6),
        SCREENS,
        flat(SCREENS, "instruction", sizes),
        "screenspotv2_image/web*",
        "id",
    ),
    Form(
        "screenspot in Parquet",
        "screenspot",
        "all",
        make_screens_in_parquet,
        SCREENS_INSIDE,
        flat(SCREENS_INSIDE, "instruction", None),
        id="id",
    ),
    Form(
        "coco-json",
        "coco-json",
        None,
        make_coco_json,
        coco_json_edit,
        coco_json_row,
        "images/*",
        counted=False,
    ),
    Form(
        "jsonl",
        "jsonl",
        None,
        make_jsonl,
        jsonl_edit,
        jsonl_row,
        "screenspotv2_image/*",
        counted=False,
    ),
)


STRANGE = (
    *(None, 7, -1, 1.5, True, "x", "", "None", 10**30, "../../x"),
    *([], {}, [1], [None], {"a": 1}, [[1, 2]], [1e308] * 4),
)


def spoil(rows: Any, rng: random.Random) -> None:
    """Put something strange into one place of a list of rows, or take the place away."""
    node = rows
    while isinstance(node, list | dict) and node:
        place = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
        inner = node[place]
        if not isinstance(inner, list | dict) or not inner or rng.random() < 0.4:
            if isinstance(node, dict) and rng.random() < 0.15:
                del node[place]
            else:
                node[place] = rng.choice(STRANGE)
            return
        node = inner


def form(name: str) -> Form:
    """The form of a name."""
    return copy.copy(next(each for each in FORMS if each.name == name))
