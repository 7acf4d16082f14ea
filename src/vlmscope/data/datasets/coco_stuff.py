"""COCO-Stuff (171 classes) and COCO-Object (its 80 things, all else is background)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from vlmscope.data.datasets.base import IGNORE, Dataset, DatasetSource, Part
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.label_maps.class_words import class_words, vocabulary
from vlmscope.data.datasets.label_maps.files import IMAGE_ENDS, base_folder, files_below
from vlmscope.data.datasets.label_maps.labelled_set import LabelledPhoto, LabelledSet, MapListing
from vlmscope.data.datasets.label_maps.panoptic_things import (
    PANOPTIC_FORM,
    is_panoptic,
    panoptic_things,
)
from vlmscope.data.datasets.label_maps.table import VOID, LabelTable

__all__ = ["RAW_NUMBERS", "CocoStuffKind", "coco_object", "coco_stuff"]

_THINGS, _STUFF = 80, 91
_GAPS = frozenset((11, 25, 28, 29, 44, 65, 67, 68, 70, 82, 90))  # COCO numbers that name nothing

RAW_NUMBERS: Mapping[int, int] = MappingProxyType(
    {
        number: index
        for index, number in enumerate(number for number in range(182) if number not in _GAPS)
    }
)
"""Number in the published maps (``000000000139.png``) -> index among the 171 classes."""

_OBJECT_END, _STUFF_END, _RAW_END = "_instanceTrainIds.png", "_labelTrainIds.png", ".png"
_NO_RAW = "TrainIds"
_MAPS = "unpack the publishers' stuffthingmaps_trainval2017.zip into annotations/"


@dataclass(frozen=True)
class CocoStuffKind:
    """Opens a folder of COCO-Stuff; COCO-Object also from a folder of COCO panoptic.

    Attributes:
        id: explicit and unique.
        objects: whether stuff is the background.
    """

    id: str
    objects: bool

    splits: tuple[str, ...] = ("val", "train")

    @property
    def summary(self) -> str:
        """One line."""
        if self.objects:
            return "COCO-Object: COCO's 80 things, stuff is background (val2017)"
        return "COCO-Stuff: 171 classes of things and stuff (val2017)"

    @property
    def parts(self) -> tuple[Part, ...]:
        """What its folder has to hold."""
        maps = tuple(f"annotations/val2017/*{end}" for end, _ in self._forms())
        more = (("images/*",), ("panoptic.json",)) if self.objects else ((), ())
        return (
            Part(
                ("images/val2017/*.jpg", *more[0]),
                "images/val2017/: the photographs",
                "unpack COCO's val2017.zip into images/",
            ),
            Part((*maps, *more[1]), "annotations/val2017/: the label maps", _MAPS),
        )

    def open(self, source: DatasetSource) -> Dataset:
        """Look through the folders of the split; see :class:`LabelledSet` for what is raised."""
        root = Path(source.folder(self.id, "images/val2017/ and annotations/val2017/"))
        split = source.split or "val"
        panoptic = self.objects and source.split is None and is_panoptic(root)
        found = self._from_panoptic(root) if panoptic else self._from_maps(root, split)
        # how many images the split has is published nowhere that this project cites
        expected = expected_counts(root, split, Expected())
        words = class_words(self.id, source.words)
        return LabelledSet(self.id, found, words, expected, source.partial)

    def _from_maps(self, root: Path, split: str) -> MapListing:
        name = f"{split}2017"
        inside = (f"images/{name}", f"annotations/{name}")
        folder = base_folder(root, ("", "coco_stuff164k", "coco"), inside)
        images = files_below(folder / "images" / name, IMAGE_ENDS)
        maps, end, table = self._maps(folder / "annotations" / name)
        photos = [
            LabelledPhoto(
                stem,
                images.get(stem, folder / "images" / name / f"{stem}.jpg"),
                maps.get(stem, folder / "annotations" / name / f"{stem}{end}"),
                table.read,
            )
            for stem in sorted({*images, *maps})
        ]
        return MapListing(
            f"{self.id} {split}",
            photos,
            vocabulary(self.id, "plain").labels,
            "255, unlabelled",
            protocol={"source": f"annotations/{name}", "maps": table.form},
        )

    def _maps(self, folder: Path) -> tuple[dict[str, Path], str, LabelTable]:
        """The maps in the first form that there is, how their names end, and what they hold."""
        forms = self._forms()
        for end, table in forms:
            maps = files_below(folder, (end,))
            if end == _RAW_END:  # which those of the other forms end with, too
                maps = {stem: path for stem, path in maps.items() if not stem.endswith(_NO_RAW)}
            if maps:
                return maps, end, table
        return {}, *forms[0]

    def _from_panoptic(self, root: Path) -> MapListing:
        classes = vocabulary(self.id, "plain").labels
        photos, problems = panoptic_things(root, classes)
        protocol = {"source": root.name, "maps": PANOPTIC_FORM}
        return MapListing(f"{self.id} panoptic", photos, classes, "unlabelled", problems, protocol)

    def _forms(self) -> tuple[tuple[str, LabelTable], ...]:
        """Ends of the maps' names, those that need the least translation first."""
        raw, every = dict(RAW_NUMBERS), {n: n for n in range(_THINGS + _STUFF)}
        if not self.objects:
            return (
                (_STUFF_END, LabelTable("*_labelTrainIds.png", {**every, VOID: IGNORE})),
                (_RAW_END, LabelTable("stuffthingmaps, numbers 0 to 181", {**raw, VOID: IGNORE})),
            )
        own = LabelTable.plain("*_instanceTrainIds.png", _THINGS + 1)
        return (
            (_OBJECT_END, own),
            (_STUFF_END, _as_objects("*_labelTrainIds.png, stuff is background", every)),
            (_RAW_END, _as_objects("stuffthingmaps, numbers above 90 are background", raw)),
        )


def _as_objects(form: str, numbers: Mapping[int, int]) -> LabelTable:
    """Things behind the background, which is class 0; stuff belongs to it."""
    classes = {n: index + 1 if index < _THINGS else 0 for n, index in numbers.items()}
    return LabelTable(form, {**classes, VOID: IGNORE})


coco_stuff = CocoStuffKind("coco-stuff", objects=False)
coco_object = CocoStuffKind("coco-object", objects=True)
