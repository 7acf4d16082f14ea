"""One page to accept or reject sampled objects on: pictures, keys and decisions inside, no request."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vlmscope.data.images import MAX_PIXELS, open_image
from vlmscope.errors import BadImageError
from vlmscope.io import write_text
from vlmscope.labels.audit.decisions import DECISIONS
from vlmscope.labels.audit.pictures import object_photo
from vlmscope.labels.audit.sample import AuditSample, SampledObject, sample_objects
from vlmscope.labels.folder import LabelFolder
from vlmscope.labels.pictures import SourcePictures
from vlmscope.markup import clean
from vlmscope.progress import progress_bar
from vlmscope.version import __version__
from vlmscope.viewer import Picture, View
from vlmscope.viewer.blocks import Block, code, text

__all__ = ["AuditPage", "audit_labels"]

_ALL_BYTES = 9_000_000  # of all pictures of a page; a third more as text
_MOST_BYTES = 45_000  # of one of them

_LEAD = "Accept or reject each object; decisions stay in this browser until they are downloaded."
_AFTER = "With the file of decisions, the precision of the whole folder is measured:"
_COMMAND = "vlmscope stats FOLDER --decisions decisions.json"


@dataclass(frozen=True)
class AuditPage:
    """A page that was written.

    Attributes:
        path: where it lies.
        sample: what is on it.
        missing: images whose picture could not be read, with the reason; their objects are shown without.
    """

    path: Path
    sample: AuditSample
    missing: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        missing = [{"id": name, "reason": reason} for name, reason in self.missing]
        shown = {"path": str(self.path), "objects": len(self.sample.objects)}
        return {
            **shown,
            "population": self.sample.population,
            **self.sample.to_dict(),
            "missing": missing,
        }


def audit_labels(
    folder: LabelFolder | str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    count: int = 200,
    source: Any = None,
    seed: int = 0,
    least_score: float | None = None,
    max_pixels: int = MAX_PIXELS,
    progress: bool = False,
) -> AuditPage:
    """Draw a sample of the objects, and write a page on which a person accepts or rejects each.

    The sample is drawn by score, by whether an object has a warning, and evenly over the phrases; the
    decisions that the page downloads hold what each object stands for, so that
    :func:`vlmscope.label_stats` says the precision of the whole folder.

    Args:
        folder: of labels, finished or not.
        out: of the page, one HTML file.
        count: how many objects; fewer where there are fewer.
        source: where the images are now, as for :func:`vlmscope.label`; None: where they were. In Python
            also a function from an id to a path or an encoded picture.
        seed: of the draw.
        least_score: objects below it are not drawn.
        max_pixels: larger pictures are not shown.
        progress: show a bar.

    Raises:
        BadOptionError: a count that is none.
        OutputError: no folder of labels, no object to look at, or a place that cannot be written.
        BadImageError, BadSampleError: the source of the images is gone, or cannot be read.
    """
    labels = folder if isinstance(folder, LabelFolder) else LabelFolder.open(folder)
    sample = sample_objects(labels, count, seed=seed, least_score=least_score)
    ids = {each.id for each in sample.objects}
    pictures = source if callable(source) else SourcePictures.of(labels, source, ids)
    gallery = _Gallery(pictures, max_pixels, min(_MOST_BYTES, _ALL_BYTES // len(sample.objects)))
    with progress_bar(
        sample.objects, "Pictures", total=None, unit="object", progress=progress
    ) as objects:
        entries = [gallery.entry(each, sample) for each in objects]
    write_text(out, _view(labels, sample, entries).html())
    return AuditPage(Path(out), sample, tuple(gallery.missing.items()))


class _Gallery:
    """Draws the objects of a page, each from its own image."""

    def __init__(
        self, pictures: Callable[[str], str | bytes], max_pixels: int, most_bytes: int
    ) -> None:
        self._pictures, self._max_pixels, self._most_bytes = pictures, max_pixels, most_bytes
        self.missing: dict[str, str] = {}

    def entry(self, drawn: SampledObject, sample: AuditSample) -> dict[str, Any]:
        """What the page has of an object."""
        found = drawn.found
        return {
            "id": drawn.id,
            "phrase": found.phrase,
            "instance": found.instance,
            "score": found.score,
            "warnings": [clean(text) for text in found.warnings],
            "stratum": drawn.stratum,
            "weight": sample.strata[drawn.stratum].weight,
            **self._picture(drawn),
        }

    def _picture(self, drawn: SampledObject) -> dict[str, Any]:
        try:
            source = self._pictures(drawn.id)
            opened = open_image(source, max_pixels=self._max_pixels, name=drawn.id)
        except BadImageError as error:
            self.missing[drawn.id] = str(error)
            nothing: dict[str, Any] = {"picture": None, "width": 0, "height": 0}
            return {**nothing, "missing": f"No picture: {error}"}
        data, (width, height) = object_photo(opened.pixels, drawn.found, self._most_bytes)
        return {"picture": Picture(data), "width": width, "height": height, "missing": None}


def _view(labels: LabelFolder, sample: AuditSample, entries: list[dict[str, Any]]) -> View:
    file = {"format": DECISIONS, "vlmscope": __version__, **sample.to_dict()}
    identity = json.dumps([file, *_identities(sample)])
    key = f"vlmscope-audit-{hashlib.sha256(identity.encode('utf-8')).hexdigest()[:16]}"
    decisions: Block = {"type": "decisions", "key": key, "file": file, "items": entries}
    title = f"Are these right? {clean(labels.path.resolve().name)}"
    return View(title, _LEAD, [decisions, text(_AFTER), code(_COMMAND)])


def _identities(sample: AuditSample) -> Iterator[list[Any]]:
    return ([each.id, each.found.phrase, each.found.instance] for each in sample.objects)
