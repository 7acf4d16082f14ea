"""RefCOCO, RefCOCO+ and RefCOCOg, in the three forms in which people have them.

``refs(unc).p`` with ``instances.json`` (the publishers' own), Parquet without images (``jxu124/*``),
and Parquet with images (``lmms-lab*/*``), whose ``val`` is not the real one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vlmscope.data.datasets.base import Dataset, DatasetSource, Part
from vlmscope.data.datasets.counts import Expected, expected_counts
from vlmscope.data.datasets.image_folders import COCO_IMAGES
from vlmscope.data.datasets.referring import Listing, ReferringSet
from vlmscope.data.datasets.refs_lmms import LMMS_PREFIX, lmms_listing
from vlmscope.data.datasets.refs_parquet import is_parquet_of_refs, refs_parquet_listing
from vlmscope.data.datasets.refs_pickle import refs_listing, refs_pickle
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.io import is_folder

__all__ = ["RefcocoKind", "refcoco_g", "refcoco_plain", "refcoco_plus"]

_NOISE = {"refcoco": "14%", "refcoco+": "24%", "refcocog": "5%"}


@dataclass(frozen=True)
class RefcocoKind:
    """Opens one of the three sets.

    Attributes:
        id: of the set; its folder may lie under this name in the root.
        summary: one line.
        maker: who split it: unc, umd or google, as the pickle's name says.
        splits: their names.
        refs: split -> how many refs its publishers count, where they say so.
        merged: refs in lmms-lab's ``val``, which holds more than its name says; 0: it does not.
    """

    id: str
    summary: str
    maker: str
    splits: tuple[str, ...]
    refs: Mapping[str, int] = field(default_factory=dict)
    merged: int = 0

    @property
    def parts(self) -> tuple[Part, ...]:
        """What its folder has to hold."""
        pickles = f"refs({self.maker}).p"
        return (
            Part(
                (f"{self.id}/{pickles}", pickles, "**/*.parquet"),
                f"{pickles} (or the Parquet files of jxu124 or lmms-lab): the sentences",
                f"unpack the publishers' {self.id}.zip; the pickle is read as it is, nothing in it "
                "is executed",
            ),
            Part(
                (f"{self.id}/instances.json", "instances.json", "**/*.parquet"),
                "instances.json: boxes and masks (Parquet files have their own)",
                f"it lies in {self.id}.zip beside the pickle",
            ),
            Part(
                (*COCO_IMAGES.patterns, "data/*val*.parquet", "*val*.parquet"),
                COCO_IMAGES.contents + "; lmms-lab's Parquet has them inside",
                COCO_IMAGES.advice,
            ),
        )

    def open(self, source: DatasetSource) -> Dataset:
        source.refuse(self.id, "words")
        root = Path(source.folder(self.id, f"refs({self.maker}).p, instances.json and train2014/"))
        split = source.split or "val"
        inner = root / self.id
        folder = inner if is_folder(inner) else root
        maker, name = self._maker(split)
        pickled = refs_pickle(folder, maker)
        if pickled is not None:
            expected = self._expected(root if folder == root else inner, name, maker)
            own = self.splits if maker == self.maker else ()
            listing = refs_listing(self.id, pickled, name, own)
        elif self._known(name) and is_parquet_of_refs(folder, source.columns):
            expected = self._expected(folder, name, maker)
            listing = refs_parquet_listing(self.id, folder, name, source.columns)
        else:
            expected = self._expected_of_lmms(folder, name)
            listing = lmms_listing(self.id, folder, name, source.columns)
            self._refuse_merged(name, listing.name, _rows(listing), expected)
        if "rendered" not in expected.source:
            noise = {"label noise": f"{_NOISE[self.id]} of the sentences, by a published estimate"}
            listing = replace(listing, protocol={**listing.protocol, **noise})
        return ReferringSet(self.id, listing, expected, source.partial)

    def _known(self, split: str) -> bool:
        """Whether the publishers have such a split; of Parquet files only their own names are.

        Raises:
            BadSampleError: neither they nor lmms-lab have one.
        """
        if split.startswith(LMMS_PREFIX):
            return False
        if split not in self.splits:
            advice = " What jxu124 calls test is testA." if split == "test" else ""
            raise BadSampleError(
                f"{self.id} has no split {split!r}. It has: {', '.join(self.splits)}.{advice} What "
                f"lmms-lab calls so is --split {LMMS_PREFIX}{split}."
            )
        return True

    def _maker(self, split: str) -> tuple[str, str]:
        """``google/val`` -> google, val."""
        maker, slash, name = split.partition("/")
        if not slash:
            return self.maker, split
        if maker not in ("unc", "umd", "google"):
            raise BadOptionError(
                f"The split {split!r} of {self.id} names a maker other than unc, umd and google."
            )
        return maker, name

    def _expected(self, root: Path, split: str, maker: str) -> Expected:
        numbers = {"objects": self.refs[split]} if split in self.refs else {}
        published = Expected(numbers if maker == self.maker else {}, "refs")
        return expected_counts(root, split, published)

    def _expected_of_lmms(self, root: Path, split: str) -> Expected:
        if split != f"{LMMS_PREFIX}val" or not self.merged:
            return self._expected(root, split, self.maker)
        note = {"merged": "lmms-lab's val: the real val and Google's refs together"}
        return expected_counts(root, split, Expected({"objects": self.merged}, "refs", note))

    def _refuse_merged(self, split: str, name: str, refs: int, expected: Expected) -> None:
        """However many of them there are: a part of lmms-lab's val is no part of the real one."""
        real = self.refs.get("val", 0)
        if self.merged and split == "val" and refs > real and "rendered" not in expected.source:
            raise BadSampleError(
                f"{name} holds {refs:,} refs, not {real:,}: lmms-lab's val is the real val and "
                f"{self.merged - real:,} of Google's refs together, so a score on it is none on "
                f"{self.id} val. Use the publishers' form, or name it as what it is: "
                f"--split {LMMS_PREFIX}val."
            )


def _rows(listing: Listing) -> int:
    refs = {each.object for picture in listing.pictures for each in picture.sentences}
    return len(refs) + len(listing.problems)


refcoco_plain = RefcocoKind(
    "refcoco",
    "RefCOCO: refs(unc).p and instances.json with COCO train2014, or Parquet",
    "unc",
    ("val", "testA", "testB", "train"),
    {"train": 42_404, "val": 3_811, "testA": 1_975, "testB": 1_810},
    merged=8_811,
)
refcoco_plus = RefcocoKind(
    "refcoco+",
    "RefCOCO+ (no words of place), in the forms of refcoco",
    "unc",
    ("val", "testA", "testB", "train"),
)
refcoco_g = RefcocoKind(
    "refcocog",
    "RefCOCOg (longer sentences), refs(umd).p, in the forms of refcoco",
    "umd",
    ("val", "test", "train"),
    {"train": 42_226, "val": 2_573, "test": 5_023},
    merged=7_573,
)
