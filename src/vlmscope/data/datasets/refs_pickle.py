"""``refs(unc).p`` and its kin, with ``instances.json``: referring expressions as published."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vlmscope.data.datasets.base import Skipped
from vlmscope.data.datasets.coco_instances import Instances, region_of
from vlmscope.data.datasets.image_folders import image_paths
from vlmscope.data.datasets.referring import Listing, Picture, Region, Sentence
from vlmscope.data.plain_pickle import read_plain_pickle
from vlmscope.errors import BadSampleError
from vlmscope.io import is_file

__all__ = ["pictures_of_refs", "refs_listing", "refs_of_split", "refs_pickle"]

_KEYS: Mapping[str, tuple[type, ...]] = MappingProxyType(
    {
        "ref_id": (int, str),
        "ann_id": (int, list),
        "image_id": (int,),
        "split": (str,),
        "sentences": (list,),
    }
)
"""Field that every ref needs -> what it may be."""

_KIND_NAMES: Mapping[type, str] = MappingProxyType(
    {int: "a whole number", str: "a text", list: "a list", dict: "an object", type(None): "nothing"}
)


def refs_pickle(folder: Path, maker: str) -> Path | None:
    """The pickle of a maker (unc, umd, google); None: the folder holds no pickle of refs.

    Raises:
        BadSampleError: there are pickles, but of other makers.
    """
    path = folder / f"refs({maker}).p"
    if is_file(path):
        return path
    others = sorted(each.name for each in folder.glob("refs(*).p"))
    if others:
        makers = [name[len("refs(") : -len(").p")] for name in others]
        raise BadSampleError(
            f"{folder} has no refs({maker}).p. It has {', '.join(others)}, whose splits are others: "
            f"get the file, or name that maker with the split: --split {makers[0]}/val."
        )
    return None


def refs_listing(name: str, path: Path, split: str, splits: Sequence[str] = ()) -> Listing:
    """One split of a pickle of refs.

    Args:
        name: of the set.
        path: the pickle; ``instances.json`` lies beside it.
        split: its name.
        splits: the names that its maker gives; a file with others is another maker's. Empty: any.

    Raises:
        BadSampleError: a file that is missing or damaged, another maker's, or no such split.
    """
    rows = read_plain_pickle(path)
    content = path.read_bytes()
    refs = refs_of_split(rows, path, split)
    _check_maker(rows, path, splits)
    return pictures_of_refs(f"{name} {split}", refs, path, hashlib.sha256(content).digest())


def refs_of_split(rows: Any, path: Path, split: str) -> list[Mapping[str, Any]]:
    """The rows of a split, with the fields that all of them need.

    Raises:
        BadSampleError: no list of refs, or no such split; names those that there are.
    """
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadSampleError(f"{path} holds no list of refs, but {type(rows).__name__}.")
    for number, row in enumerate(rows):
        _check_fields(row, f"Ref {number} of {path}")
    chosen = [row for row in rows if row["split"] == split]
    if not chosen:
        splits = ", ".join(sorted({row["split"] for row in rows})) or "none, since it is empty"
        raise BadSampleError(f"{path} has no split {split!r}. It has: {splits}.")
    return chosen


def _check_fields(row: Mapping[str, Any], place: str) -> None:
    """Values from a pickle may be anything, and are named by their type: their text may be endless."""
    for key, kinds in _KEYS.items():
        if key not in row:
            raise BadSampleError(f"{place} has no {key!r}.")
        if not _is_one_of(row[key], kinds):
            wanted = " or ".join(_KIND_NAMES[kind] for kind in kinds)
            raise BadSampleError(
                f"{place} has {_kind_name(row[key])} as {key!r}, where {wanted} belongs: it is no ref of "
                "this data set, or damaged. Get the file again."
            )
    if isinstance(row["ann_id"], list) and not all(_is_one_of(n, (int,)) for n in row["ann_id"]):
        raise BadSampleError(f"{place} has an ann_id that is no list of whole numbers.")


def _is_one_of(value: Any, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _kind_name(value: Any) -> str:
    return _KIND_NAMES.get(type(value), type(value).__name__)


def _check_maker(rows: Sequence[Mapping[str, Any]], path: Path, splits: Sequence[str]) -> None:
    """A file under another maker's name shows by its splits."""
    foreign = sorted({row["split"] for row in rows} - set(splits))
    if splits and foreign:
        raise BadSampleError(
            f"{path} has the split {foreign[0]!r}, but of this maker are {', '.join(splits)}: it is "
            "another maker's file, or another data set's, under this name. Get the file that belongs "
            "here; Google's is named refs(google).p and read with --split google/val."
        )


def pictures_of_refs(
    name: str, refs: Sequence[Mapping[str, Any]], path: Path, digest: bytes
) -> Listing:
    """Refs with the annotations they name.

    Args:
        name: of the set and its split.
        refs: rows whose ``ann_id`` is a number, or a list of numbers in which -1 is no object.
        path: their file; ``instances.json`` lies beside it.
        digest: of that file.

    Raises:
        BadSampleError: annotations of another version: those that refs name are not there.
    """
    folder = path.parent
    wanted = {number for ref in refs for number in ann_ids(ref)}
    instances = Instances.load(folder / "instances.json", lambda row: _id_of(row) in wanted)
    regions, problems = _regions(instances)
    _check_version(name, refs, instances, folder)
    pictures: dict[int, list[Sentence]] = {}
    seen = set[str]()
    for ref in refs:
        if str(ref["ref_id"]) in seen:
            problems.append(
                Skipped(f"ref {ref['ref_id']}", "Its id occurs twice; the first counts.")
            )
            continue
        seen.add(str(ref["ref_id"]))
        known = [number for number in ann_ids(ref) if number in regions]
        if len(known) < len(ann_ids(ref)):
            problems.append(Skipped(f"ref {ref['ref_id']}", "Its annotation cannot be used."))
            continue
        sentences = pictures.setdefault(ref["image_id"], [])
        sentences += _sentences(ref, tuple(regions[number] for number in known), instances)
    places = image_paths(folder, [instances.images[number].name for number in pictures])
    return Listing(
        name,
        [
            Picture(
                str(number),
                places[instances.images[number].name],
                tuple(sentences),
                instances.images[number].size,
            )
            for number, sentences in pictures.items()
        ],
        digest + instances.digest,
        tuple(problems),
        tuple(instances.categories.values()),
        {
            "source": path.name,
            "boxes": "xywh of instances.json, as COCO states",
            "images": "COCO train2014",
            **_crowds(instances),
        },
    )


def _id_of(row: Mapping[str, Any]) -> int | None:
    number = row.get("id")
    return number if isinstance(number, int) else None


def _crowds(instances: Instances) -> dict[str, str]:
    count = sum(1 for row in instances.annotations.values() if row.get("iscrowd"))
    if not count:
        return {}
    return {"crowds": f"{count} of the annotations that sentences mean are of crowds, taken whole"}


def ann_ids(ref: Mapping[str, Any]) -> list[int]:
    """Ids of the annotations that a ref means; none where it means nothing (-1)."""
    value = ref["ann_id"]
    return [number for number in (value if isinstance(value, list) else [value]) if number != -1]


def _regions(instances: Instances) -> tuple[dict[int, Region], list[Skipped]]:
    regions, problems = {}, []
    for number, annotation in instances.annotations.items():
        try:
            regions[number] = region_of(annotation)
        except BadSampleError as error:
            problems.append(Skipped(f"annotation {number}", str(error)))
    return regions, problems


def _check_version(
    name: str, refs: Sequence[Mapping[str, Any]], instances: Instances, folder: Path
) -> None:
    place = folder / "instances.json"
    for ref in refs:
        if ref["image_id"] not in instances.images:
            raise BadSampleError(
                f"Ref {ref['ref_id']} of {name} is of image {ref['image_id']}, which {place} does not "
                "hold: the annotations are of another version. Take both files from one archive."
            )
        for number in ann_ids(ref):
            row = instances.annotations.get(number)
            if row is None or row.get("image_id") != ref["image_id"]:
                state = "does not hold" if row is None else "has for another image"
                raise BadSampleError(
                    f"Ref {ref['ref_id']} of {name} means annotation {number}, which {place} "
                    f"{state}: the annotations are of another version. Take both files from one "
                    "archive."
                )


def _sentences(
    ref: Mapping[str, Any], regions: tuple[Region, ...], instances: Instances
) -> list[Sentence]:
    numbers = [instances.annotations[number].get("category_id") for number in ann_ids(ref)]
    names = list(dict.fromkeys(instances.category(number) for number in numbers))
    tags = {"category": ", ".join(names)} if names else {}
    return [
        Sentence(_sentence_id(ref, place, row), _text(row), regions, str(ref["ref_id"]), tags)
        for place, row in enumerate(ref["sentences"])
    ]


def _sentence_id(ref: Mapping[str, Any], place: int, row: Any) -> str:
    number = row.get("sent_id") if isinstance(row, dict) else None
    return str(number) if _is_one_of(number, (int, str)) else f"{ref['ref_id']}/{place}"


def _text(row: Any) -> Any:
    """The sentence; what is none is left out by its type, in :class:`ReferringSet`."""
    return row.get("sent", "") if isinstance(row, dict) else row
