"""How much a split holds: counted, and held against what its publishers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from vlmscope.data.datasets.base import Skipped
from vlmscope.errors import BadSampleError
from vlmscope.io import is_file, parse_json, unread

__all__ = ["MANIFEST", "Counts", "Expected", "check_counts", "expected_counts", "part_of"]

MANIFEST = "manifest.json"
"""File in the folder of a rendered set: its own counts, which stand in place of the published."""


class Counts(NamedTuple):
    """What a split holds.

    Attributes:
        images: images with a sentence.
        objects: what the sentences mean, each once (refs, masks).
        sentences: sentences.
    """

    images: int
    objects: int
    sentences: int


@dataclass(frozen=True)
class Expected:
    """What a split has to hold.

    Attributes:
        numbers: fields of :class:`Counts` -> how many; those that nobody published are not in it.
        word: what the publishers call an object: refs, masks.
        source: what a report says of where the numbers come from, as JSON values.
    """

    numbers: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    word: str = "objects"
    source: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def said(self, field: str, count: int) -> str:
        """``3,811 refs``."""
        return f"{count:,} {self.word if field == 'objects' else field}"


def expected_counts(root: Path, split: str, published: Expected) -> Expected:
    """The counts of a split: of a rendered set its own, else those that were published.

    Args:
        root: the set's folder, or a file of it.
        split: the split's name.
        published: the counts of the real one.

    Raises:
        BadSampleError: a manifest that is damaged or does not know the split.
    """
    if is_file(root):  # its folder may be data/ in that of the set
        root = root.parent.parent if root.parent.name == "data" else root.parent
    path = root / MANIFEST
    if not is_file(path):
        return published
    try:
        content = parse_json(path.read_text(encoding="utf-8-sig"))
        splits, like = content["splits"], str(content["like"])
        if split not in splits:
            raise BadSampleError(
                f"{path} has no split {split!r}. It has: {', '.join(splits) or 'none'}."
            )
        numbers = {name: int(splits[split][name]) for name in Counts._fields}
    except BadSampleError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = unread(error) if isinstance(error, OSError | ValueError) else repr(error)
        raise BadSampleError(
            f"Cannot read the manifest of the rendered set, {path}: {reason}. Render the set again."
        ) from error
    source = {"rendered": f"scenes in the layout of {like}; no published figure is of this set"}
    return Expected(numbers, published.word, source)


def check_counts(
    name: str,
    listed: Counts,
    usable: Counts,
    expected: Expected,
    missing: Sequence[Skipped],
    partial: bool,
    problems: Sequence[Skipped] = (),
) -> str | None:
    """Refuse a split that holds another number than it should, or misses images.

    One that holds more is no part of the split, so ``partial`` does not help it.

    Args:
        name: the set and its split.
        listed: what its listing holds.
        usable: of that, what has an image.
        expected: what it has to hold.
        missing: images that are not there.
        partial: take one that holds less, or misses images, all the same.
        problems: what the listing has and cannot be used, which may be why it holds less.

    Returns:
        ``"n of N sentences"`` for a split of which a part is used, None for a whole one.

    Raises:
        BadSampleError: says both numbers, and what to do.
    """
    wrong = [
        (kind, getattr(listed, kind), count)
        for kind, count in expected.numbers.items()
        if getattr(listed, kind) != count
    ]
    if any(whole > count for _, whole, count in wrong):
        raise BadSampleError(
            f"{name} holds {_difference(expected, wrong)}: more than the whole, so it is another "
            "version, or two were mixed. Get the split as its publishers have it."
        )
    if not partial:
        _refuse(name, listed, expected, wrong, missing, problems)
    if not usable.images:
        raise BadSampleError(
            f"None of the {listed.images:,} images of {name} is there. The first: "
            f"{missing[0].reason}"
        )
    if not wrong and not missing:
        return None
    return part_of(usable, listed, expected, [kind for kind, *_ in wrong])


def part_of(
    used: Counts, listed: Counts, expected: Expected, wrong: Sequence[str] = ("objects", "images")
) -> str:
    """``"n of N sentences"``.

    Args:
        used: what is measured.
        listed: what the listing holds, where no number was published.
        expected: what the split has to hold.
        wrong: what is counted in place of sentences where the publishers count none.
    """
    kind = "sentences" if listed.sentences else "images"
    if kind not in expected.numbers:
        kind = next((each for each in wrong if each in expected.numbers), kind)
    whole = expected.numbers.get(kind, getattr(listed, kind))
    return f"{getattr(used, kind):,} of {expected.said(kind, whole)}"


def _refuse(
    name: str,
    listed: Counts,
    expected: Expected,
    wrong: Sequence[tuple[str, int, int]],
    missing: Sequence[Skipped],
    problems: Sequence[Skipped],
) -> None:
    accept = "take what is there with --partial (partial=True)"
    if wrong:
        raise BadSampleError(
            f"{name} holds {_difference(expected, wrong)}: it is cut short, or another version. "
            f"{_first(problems)}Get the whole split, or {accept}."
        )
    if missing:
        raise BadSampleError(
            f"{len(missing):,} of the {listed.images:,} images of {name} are missing. The first: "
            f"{missing[0].reason} Get them, or {accept}."
        )


def _difference(expected: Expected, wrong: Sequence[tuple[str, int, int]]) -> str:
    return " and ".join(
        f"{expected.said(kind, count)}, not {whole:,}" for kind, count, whole in wrong
    )


def _first(problems: Sequence[Skipped]) -> str:
    if not problems:
        return ""
    count, (place, reason) = len(problems), problems[0]
    return f"Of what is there {count:,} cannot be used, first {place}: {reason} "
