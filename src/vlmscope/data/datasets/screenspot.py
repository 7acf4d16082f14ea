"""ScreenSpot and sets shaped like it: a picture of a screen, an instruction, the box to press.

Three layouts: ScreenSpot and ScreenSpot-v2 (a JSON list per platform, boxes x, y, width, height),
ScreenSpot-Pro (``annotations/`` with a list per application, boxes as corners and the sizes of the
pictures), and copies of them in Parquet, which differ in how they write boxes. What counts is whether
the point lies in the box: the score ``pointing``.
"""

from __future__ import annotations

import re
from pathlib import Path

from vlmscope.data.box_readings import Reading, reading_of
from vlmscope.data.datasets.base import Dataset, DatasetSource, Part, Skipped
from vlmscope.data.datasets.counts import MANIFEST, Expected, expected_counts
from vlmscope.data.datasets.referring import Listing, Picture, ReferringSet, Region, Sentence
from vlmscope.data.datasets.screen_rows import (
    PLATFORMS,
    Screens,
    json_screens,
    parquet_screens,
)
from vlmscope.data.parquet_rows import shards
from vlmscope.errors import BadSampleError, quoted
from vlmscope.io import is_file

__all__ = ["ScreenSpotKind"]

_PARQUET = ("test", "train", "validation")
_LAYOUT = "screenspot_*.json (or annotations/*.json, or Parquet files) and the pictures"


class ScreenSpotKind:
    """Opens a folder of one of the layouts, or a single file of rows."""

    id = "screenspot"
    summary = "ScreenSpot, -v2, -Pro and copies in Parquet: screens, instructions, boxes to press"
    splits: tuple[str, ...] = ("all", *PLATFORMS)
    parts: tuple[Part, ...] = (
        Part(
            (
                *("screenspot_*.json", "annotations/*.json", "metadata/screenspot_*.json"),
                *("data/*.parquet", "*.parquet"),
            ),
            "screenspot_desktop.json, _mobile, _web (-v2: ..._v2.json), annotations/*.json of "
            "ScreenSpot-Pro, or Parquet files with the columns instruction, bbox and image",
            "download OS-Copilot/ScreenSpot-v2, likaixin/ScreenSpot-Pro or a copy in Parquet from the "
            "hub",
        ),
        Part(
            (
                *("screenspotv2_image/*", "screenspot_imgs/*", "images/*/*", "images/*"),
                *("*.png", "data/*.parquet", "*.parquet"),
            ),
            "the pictures: screenspotv2_image/, screenspot_imgs/ or images/ (in Parquet: inside)",
            "unpack screenspotv2_image.zip, or screenspot_imgs.tar, in the folder of the JSON files",
        ),
    )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, _LAYOUT))
        split = source.split or "all"
        screens = _screens(root, split, source)
        expected = expected_counts(root, split, Expected())
        return ReferringSet(
            self.id, _listing(f"{self.id} {split}", screens), expected, source.partial
        )


def _screens(root: Path, split: str, source: DatasetSource) -> Screens:
    files = _json_files(root)
    if not files:
        return parquet_screens(_parquet_files(root, split), source.columns)
    _check_versions(files)
    chosen = [path for path in files if split == "all" or split in _words(path)]
    if not chosen:
        raise BadSampleError(
            f"No JSON file in {files[0].parent} is of the split {split!r}. There are: "
            f"{quoted([path.name for path in files])}."
        )
    if is_file(root):
        return json_screens(root.parent, chosen)
    if split == "all" and not source.partial:
        _check_platforms(files)
    return json_screens(root, chosen)


def _json_files(root: Path) -> list[Path]:
    if is_file(root):
        return [root] if root.suffix == ".json" else []
    for folder, pattern in (
        (root, "screenspot_*.json"),
        (root / "annotations", "*.json"),
        (root / "metadata", "screenspot_*.json"),
    ):
        files = sorted(path for path in folder.glob(pattern) if path.name != MANIFEST)
        if files:
            return files
    return []


def _parquet_files(root: Path, split: str) -> list[Path]:
    """Copies call all of it test or train."""
    if is_file(root) or split != "all":
        return shards(root, split)
    files = [path for folder in (root / "data", root) for path in sorted(folder.glob("*.parquet"))]
    if not files:
        raise BadSampleError(
            f"There are no rows in {root}: neither screenspot_*.json nor annotations/*.json nor a "
            "Parquet file. Give the folder that holds them, or the file itself, as --root."
        )
    names = [name for name in _PARQUET if any(name in _words(path) for path in files)]
    if len(names) > 1:
        raise BadSampleError(
            f"{root} has Parquet files of the splits {' and '.join(names)}. Name one: --split "
            f"{names[0]} (split=)."
        )
    return shards(root, names[0] if names else _PARQUET[0])


def _words(path: Path) -> list[str]:
    """A split is a whole name or a word of it: ``web`` of ``screenspot_web_v2.json``."""
    return [path.stem, *re.split(r"[-_.]", path.stem)]


def _check_versions(files: list[Path]) -> None:
    """The two versions have the same pictures and other boxes."""
    ours = [path.name for path in files if "screenspot" in _words(path)]
    newer = [name for name in ours if "v2" in re.split(r"[-_.]", name)]
    if newer and len(newer) < len(ours):
        raise BadSampleError(
            f"{files[0].parent} holds files of ScreenSpot and of ScreenSpot-v2: {quoted(ours)}. They "
            "are two versions of the same rows: keep those of one."
        )


def _check_platforms(files: list[Path]) -> None:
    words = [word for path in files for word in _words(path)]
    missing = [word for word in PLATFORMS if word not in words]
    if "screenspot" in words and missing:
        raise BadSampleError(
            f"ScreenSpot has a JSON file for each of {', '.join(PLATFORMS)}; {files[0].parent} lacks "
            f"{', '.join(missing)}. Get it, name one that is there with --split (split=), or take what "
            "is there with --partial (partial=True)."
        )


def _listing(name: str, screens: Screens) -> Listing:
    reading, sentence = _reading(name, screens)
    problems = list(screens.problems)
    pictures: dict[str, list[Sentence]] = {image: [] for image in screens.places}
    for row in screens.rows:
        size = screens.sizes.get(row.image)
        if size is not None and not reading.fits(row.box, size):
            reason = f"Its box {list(row.box)} does not lie in its image, {size[1]} x {size[0]}."
            problems.append(Skipped(f"row {row.id}", reason))
            continue
        # a picture that is not there is left out before its boxes matter
        box = reading.corners(row.box, size or (1, 1))
        pictures[row.image].append(Sentence(row.id, row.text, (Region(box),), row.id, row.tags))
    return Listing(
        name,
        [
            Picture(image, screens.places[image], tuple(sentences), screens.sizes.get(image))
            for image, sentences in pictures.items()
            if sentences
        ],
        screens.content,
        tuple(problems),
        protocol={
            "source": screens.source,
            "boxes": sentence,
            "score": "pointing: the point lies in the box",
        },
    )


def _reading(name: str, screens: Screens) -> tuple[Reading, str]:
    sized = [
        (row.box, screens.sizes[row.image]) for row in screens.rows if row.image in screens.sizes
    ]
    if not sized:  # without a picture the set is refused for that
        return Reading("xyxy", shares=False), "not known: no picture is there"
    return reading_of(name, sized, screens.stated)
