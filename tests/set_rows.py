"""Where each form of a set keeps its rows, texts and boxes: how rows are changed, and sets are made."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vlmscope.data.datasets.counts import MANIFEST
from vlmscope.data.tiny_sets import make_tiny

__all__ = [
    "Edit",
    "SetRow",
    "coco_json_edit",
    "coco_json_row",
    "flat",
    "json_list",
    "jsonl_edit",
    "jsonl_row",
    "jxu124_row",
    "lmms_row",
    "make_coco_json",
    "make_jsonl",
    "make_screens_in_parquet",
    "of_instances",
    "parquet",
    "reasonseg_edit",
    "reasonseg_row",
    "refcoco_m_row",
    "refs",
    "sizes",
]

Edit = Callable[[list[Any]], Any]


@dataclass
class SetRow:
    """Where the second row of a set keeps what is said of it; setting a field spoils it."""

    text: Callable[[Any], None]
    box: Callable[[list[float] | None], None]
    mask: Callable[[Any], None] | None = None


def parquet(name: str) -> Callable[[Path, Edit], None]:
    def edit(root: Path, change: Edit) -> None:
        rows = pq.read_table(root / name).to_pylist()
        changed = change(rows)
        table = pa.Table.from_pylist(list(rows if changed is None else changed))
        pq.write_table(table, root / name, row_group_size=4)

    return edit


def json_list(name: str) -> Callable[[Path, Edit], None]:
    def edit(root: Path, change: Edit) -> None:
        rows = json.loads((root / name).read_text())
        changed = change(rows)
        (root / name).write_text(json.dumps(rows if changed is None else changed))

    return edit


def refs(name: str, split: str = "val") -> Callable[[Path, Edit], None]:
    """The refs of one split in a file of all."""

    def edit(root: Path, change: Edit) -> None:
        path = root / name
        plain = path.suffix == ".json"
        rows = json.loads(path.read_text()) if plain else pickle.loads(path.read_bytes())  # noqa: S301
        chosen = [row for row in rows if row["split"] == split]
        changed = change(chosen)
        others = [row for row in rows if row["split"] != split]
        every = [*others, *(chosen if changed is None else changed)]
        if plain:
            path.write_text(json.dumps(every))
        else:
            path.write_bytes(pickle.dumps(every, protocol=2))

    return edit


def sizes(box: list[float] | None) -> list[float] | None:
    """Corners as corner and size."""
    if box is None or len(box) != 4:
        return box
    x0, y0, x1, y1 = box
    return [x0, y0, x1 - x0, y1 - y0]


def flat(
    edit: Callable[[Path, Edit], None], text: str, box: Callable[..., Any] | None
) -> Callable[[Path], SetRow]:
    """Rows with a text and a box of their own."""

    def row(root: Path) -> SetRow:
        def put(key: str, value: Any) -> None:
            edit(root, lambda rows: rows[1].update({key: value}))

        write = box or (lambda value: value)
        return SetRow(lambda value: put(text, value), lambda value: put("bbox", write(value)))

    return row


def lmms_row(root: Path) -> SetRow:
    edit = parquet("data/val-00000-of-00001.parquet")

    def answers(value: Any) -> None:
        # one of its sentences; a list of texts holds no numbers, so those come as nothing
        text = value if isinstance(value, str) else None
        edit(root, lambda rows: rows[1].update(answer=[text, *rows[1]["answer"][1:]]))

    return SetRow(
        answers, lambda box: edit(root, lambda rows: rows[1].update(bbox=sizes(box) or [1.0]))
    )


def of_instances(
    edit: Callable[[Path, Edit], None], listed: bool = False
) -> Callable[[Path], SetRow]:
    """Refs whose boxes and masks stand in instances.json."""

    def row(root: Path) -> SetRow:
        number: list[int] = []

        def note(rows: list[Any]) -> None:
            number.append(rows[1]["ann_id"][0] if listed else rows[1]["ann_id"])

        edit(root, note)

        def put(key: str, value: Any) -> None:
            content = json.loads((root / "instances.json").read_text())
            [found] = [each for each in content["annotations"] if each["id"] == number[0]]
            found.update(value if key == "mask" and isinstance(value, dict) else {key: value})
            (root / "instances.json").write_text(json.dumps(content))

        def text(value: Any) -> None:
            edit(root, lambda rows: rows[1]["sentences"][0].update(sent=value))

        return SetRow(
            text, lambda box: put("bbox", sizes(box)), lambda mask: put("segmentation", mask)
        )

    return row


def jxu124_row(root: Path) -> SetRow:
    edit = parquet("data/validation-00000-of-00001.parquet")

    def put(key: str, value: Any) -> None:
        def change(rows: list[Any]) -> None:
            annotation = json.loads(rows[1]["raw_anns"])
            annotation[key] = value
            rows[1]["raw_anns"] = json.dumps(annotation)

        edit(root, change)

    def text(value: Any) -> None:
        written = value if isinstance(value, str) else None
        edit(root, lambda rows: rows[1]["sentences"][0].update(sent=written))

    return SetRow(text, lambda box: put("bbox", sizes(box)), lambda mask: put("segmentation", mask))


def refcoco_m_row(root: Path) -> SetRow:
    edit = parquet("data/validation-00000-of-00001.parquet")

    def text(value: Any) -> None:
        def change(rows: list[Any]) -> None:
            sample = rows[1]["samples"][0]
            sample["sentences"] = [value if isinstance(value, str) else None, *sample["sentences"]][
                : len(sample["sentences"])
            ]

        edit(root, change)

    def mask(value: Any) -> None:
        edit(root, lambda rows: rows[1]["samples"][0].update(mask=value))

    def box(value: list[float] | None) -> None:
        edit(root, lambda rows: rows[1]["samples"][0].update(bbox=sizes(value)))

    return SetRow(text, box, mask)


def reasonseg_edit(root: Path, change: Edit) -> None:
    """Each sample is a row, with its name."""
    files = sorted((root / "val").glob("*.json"))
    rows = [{"name": path.name, **json.loads(path.read_text())} for path in files]
    before = len(rows)
    changed = change(rows)
    rows = list(rows if changed is None else changed)
    for path in files:
        path.unlink()
    for place, each in enumerate(rows):
        name = each.pop("name")
        if place >= before:  # a sample more, under a name of its own
            shutil.copy(root / "val" / Path(name).with_suffix(".jpg"), root / "val" / "more.jpg")
            name = "more.json"
        (root / "val" / name).write_text(json.dumps(each))


def reasonseg_row(root: Path) -> SetRow:
    def box(value: list[float] | None) -> None:
        if value is None or len(value) != 4:
            points: Any = [[1.0, 2.0, 3.0]]
        else:
            x0, y0, x1, y1 = value
            points = [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
        shapes = [{"label": "target", "points": points}]
        reasonseg_edit(root, lambda rows: rows[1].update(shapes=shapes))

    return SetRow(
        lambda text: reasonseg_edit(root, lambda rows: rows[1].update(text=[text])),
        box,
    )


def make_screens_in_parquet(out: Path) -> None:
    make_tiny("screenspot", out, 3)
    rows = json.loads((out / "screenspot_web_v2.json").read_text())
    for each in rows:
        name = each.pop("img_filename")
        x, y, width, height = each["bbox"]
        each["bbox"] = [float(side) for side in (x, y, x + width, y + height)]
        each["file_name"] = name
        each["image"] = {"bytes": (out / "screenspotv2_image" / name).read_bytes(), "path": name}
    counts = json.loads((out / MANIFEST).read_text())["splits"]["web"]
    shutil.rmtree(out)
    (out / "data").mkdir(parents=True)
    path = out / "data" / "test-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=4)
    manifest = {"like": "screenspot", "splits": {"all": counts, "test": counts}}
    (out / MANIFEST).write_text(json.dumps(manifest))


def make_coco_json(out: Path) -> None:
    make_tiny("refcoco", out, 3)
    content = json.loads((out / "instances.json").read_text())
    images = [row["id"] for row in content["images"][:3]]
    rows = [row for row in content["annotations"] if row["image_id"] in images]
    for number, row in enumerate(rows):
        row["caption"] = f"thing {number}"
    content = {**content, "images": content["images"][:3], "annotations": rows}
    for name in ("refs(unc).p", "instances.json", MANIFEST):
        (out / name).unlink()
    (out / "annotations.json").write_text(json.dumps(content))
    (out / "train2014").rename(out / "images")


def coco_json_edit(root: Path, change: Edit) -> None:
    path = root / "annotations.json"
    content = json.loads(path.read_text())
    changed = change(content["annotations"])
    if changed is not None:
        content["annotations"] = list(changed)
    path.write_text(json.dumps(content))


def coco_json_row(root: Path) -> SetRow:
    def put(key: str, value: Any) -> None:
        coco_json_edit(root, lambda rows: rows[1].update({key: value}))

    return SetRow(
        lambda text: put("caption", text),
        lambda box: put("bbox", sizes(box)),
        lambda mask: put("segmentation", mask),
    )


def make_jsonl(out: Path) -> None:
    make_tiny("screenspot", out, 3)
    rows = json.loads((out / "screenspot_web_v2.json").read_text())
    lines = []
    for each in rows:
        x, y, width, height = each["bbox"]
        row = {"image": f"screenspotv2_image/{each['img_filename']}", "text": each["instruction"]}
        lines.append(json.dumps({**row, "box": [x, y, x + width, y + height]}))
    for path in (*out.glob("*.json"),):
        path.unlink()
    (out / "samples.jsonl").write_text("\n".join(lines) + "\n")
    for path in (out / "screenspotv2_image").glob("[dm]*"):
        path.unlink()


def jsonl_edit(root: Path, change: Edit) -> None:
    path = root / "samples.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    changed = change(rows)
    rows = list(rows if changed is None else changed)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def jsonl_row(root: Path) -> SetRow:
    return SetRow(
        lambda text: jsonl_edit(root, lambda rows: rows[1].update(text=text)),
        lambda box: jsonl_edit(root, lambda rows: rows[1].update(box=box)),
    )
