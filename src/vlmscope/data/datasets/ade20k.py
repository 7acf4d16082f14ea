"""ADE20K as the scene parsing challenge of 2016 gives it: 150 classes."""

from __future__ import annotations

from pathlib import Path

from vlmscope.data.datasets.base import Dataset, DatasetSource, Part
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.label_maps.class_words import class_words, vocabulary
from vlmscope.data.datasets.label_maps.files import IMAGE_ENDS, base_folder, files_below
from vlmscope.data.datasets.label_maps.labelled_set import LabelledPhoto, LabelledSet, MapListing
from vlmscope.data.datasets.label_maps.table import LabelTable

__all__ = ["Ade20kKind"]

_FOLDERS = ("ADEChallengeData2016", "")
_ARCHIVE = "unpack the publishers' ADEChallengeData2016.zip"
_NAMES = {"val": "validation", "train": "training"}
_IMAGES = {"val": 2_000}


class Ade20kKind:
    """Opens a folder of it."""

    id = "ade20k"
    summary = "ADE20K (ADEChallengeData2016), 150 classes: 2,000 images in val"
    splits: tuple[str, ...] = ("val", "train")
    parts: tuple[Part, ...] = tuple(
        Part(
            tuple(str(Path(folder) / part / "validation" / "*") for folder in _FOLDERS),
            f"{part}/validation/: the {contents}",
            _ARCHIVE,
        )
        for part, contents in (("images", "photographs"), ("annotations", "label maps"))
    )

    def open(self, source: DatasetSource) -> Dataset:
        """Look through the folders of the split; see :class:`LabelledSet` for what is raised."""
        root = Path(source.folder(self.id, "ADEChallengeData2016"))
        split = source.split or "val"
        name = _NAMES.get(split, split)
        folder = base_folder(root, _FOLDERS, (f"images/{name}", f"annotations/{name}"))
        images = files_below(folder / "images" / name, IMAGE_ENDS)
        maps = files_below(folder / "annotations" / name, (".png",))
        classes = vocabulary(self.id, "plain").labels
        table = LabelTable.plain("PNG, 0 is ignored, 1 to 150 are the classes", len(classes), 1)
        photos = [
            LabelledPhoto(
                stem,
                images.get(stem, folder / "images" / name / f"{stem}.jpg"),
                maps.get(stem, folder / "annotations" / name / f"{stem}.png"),
                table.read,
            )
            for stem in sorted({*images, *maps})
        ]
        found = MapListing(
            f"{self.id} {split}",
            photos,
            classes,
            "0, whatever is none of the 150 classes",
            protocol={"source": f"{folder.name}/annotations/{name}", "maps": table.form},
        )
        published = Expected({"images": _IMAGES[split]} if split in _IMAGES else {})
        expected = expected_counts(root, split, published)
        words = class_words(self.id, source.words)
        return LabelledSet(self.id, found, words, expected, source.partial)
