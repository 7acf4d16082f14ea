"""Several readings of one image on the same passes, and of several images side by side.

Readings of the same prompts hear the same passes; all that are packed behind an image share its prefix.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.passes import PhrasePass, Step, packed_steps, whole_steps
from vlmscope.attention.prefix import SharedPrefix, fill_together, shared_prefix
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.prompts.encoding import EncodedText

__all__ = ["ImageReading", "read_images", "read_together"]

Pixels = NDArray[np.uint8]


class Listener(Protocol):
    """What hears the passes of a reading."""

    def open(self, each: PhrasePass, stack: contextlib.ExitStack) -> None: ...

    def heard(self, each: PhrasePass) -> dict[int, Any]: ...


class ImageReading(Protocol):
    """What is read of phrases on one image."""

    @property
    def phrases(self) -> tuple[Prompt, ...]: ...

    @property
    def rows(self) -> str | int | Sequence[int]: ...

    @property
    def preset(self) -> str | None: ...

    @property
    def placement(self) -> str | None: ...

    @property
    def deepest(self) -> int: ...

    def listener(self, model: LoadedModel, stack: contextlib.ExitStack) -> Listener: ...


def read_together(
    model: LoadedModel,
    pixels: Pixels,
    readings: Sequence[ImageReading],
    prefix: SharedPrefix | None = None,
) -> list[list[Any]]:
    """Readings of one image: for each what it makes of its phrases, in order.

    Where the image comes before the text it is run once and the phrases are packed behind it, unless
    there is one alone, or rows are numbered, which count within one prompt. Nothing above the deepest
    layer that is read is computed. What a reading gives does not depend on the others.

    Args:
        model: the model.
        pixels: uint8 (height, width, 3), the original image.
        readings: what is read.
        prefix: of this very image, of the preset and placement of all readings and down to their
            layers at least, where somebody has it already; None: made where it is needed.
    """
    image = _Image.of(model, 0, pixels, readings, prefix)
    for group in image.groups:
        _hear(model, [image], group, _steps(model, image, group))
    return image.collected()


def read_images(
    model: LoadedModel, images: Sequence[Pixels], readings: Sequence[Sequence[ImageReading]]
) -> list[list[list[Any]]]:
    """The same for several images, those of like token count in one batch without padding.

    Prefixes are run side by side, phrases behind them image by image; so are whole prompts, where
    images are asked the same. Maps may differ in their last digits from those of one image alone.

    Args:
        model: the model.
        images: uint8 (height, width, 3) each.
        readings: of each image.
    """
    several = [
        _Image.of(model, number, *each)
        for number, each in enumerate(zip(images, readings, strict=True))
    ]
    _fill(model, several)
    waiting = [(image, group) for image in several for group in image.groups]
    while waiting:
        image, group = waiting[0]
        alike = [pair for pair in waiting if pair[1] is group or pair[1].goes_with(group)]
        waiting = [pair for pair in waiting if pair not in alike]
        _hear(model, several, group, _steps(model, image, group, [each for each, _ in alike]))
    return [image.collected() for image in several]


@dataclass(eq=False)
class _Group:
    """Readings of the same prompts on one image.

    Attributes:
        phrases, preset, placement: of all of them.
        packed: the phrases are packed behind the image's prefix.
        members: the readings, each with its number.
        texts: the phrases, encoded when they are needed.
    """

    phrases: tuple[Prompt, ...]
    preset: str
    placement: str | None
    packed: bool
    members: list[tuple[int, ImageReading]] = field(default_factory=list)
    texts: list[EncodedText] = field(default_factory=list)

    @property
    def prompts(self) -> tuple[tuple[Prompt, ...], str, str | None, bool]:
        """What readings have in common that are in one group."""
        return self.phrases, self.preset, self.placement, self.packed

    @property
    def deepest(self) -> int:
        return max(reading.deepest for _, reading in self.members)

    def goes_with(self, other: _Group) -> bool:
        """Whether one pass over whole prompts serves both, of two images."""
        return not self.packed and self.members == other.members


@dataclass(eq=False)
class _Image:
    """One image with all that is read of it.

    Attributes:
        number: which it is.
        pixels: uint8 (height, width, 3).
        groups: the readings, by prompts.
        prefixes: by preset and placement.
        heard: of each reading, by phrase.
    """

    number: int
    pixels: Pixels
    groups: list[_Group]
    prefixes: dict[tuple[str, str | None], SharedPrefix]
    heard: list[dict[int, Any]]

    @classmethod
    def of(
        cls,
        model: LoadedModel,
        number: int,
        pixels: Pixels,
        readings: Sequence[ImageReading],
        prefix: SharedPrefix | None = None,
    ) -> _Image:
        groups = _groups(model, readings, prefix is not None)
        image = cls(number, pixels, groups, {}, [{} for _ in readings])
        for place in dict.fromkeys((g.preset, g.placement) for g in groups if g.packed):
            image.prefixes[place] = prefix or _prefix(model, pixels, groups, *place)
        return image

    def prefix_of(self, group: _Group) -> SharedPrefix:
        prefix = self.prefixes[group.preset, group.placement]
        if not group.texts:
            group.texts = prefix.encode(group.phrases)
        return prefix

    def collected(self) -> list[list[Any]]:
        return [[heard[index] for index in range(len(heard))] for heard in self.heard]


def _groups(model: LoadedModel, readings: Sequence[ImageReading], ready: bool) -> list[_Group]:
    groups: list[_Group] = []
    for number, reading in enumerate(readings):
        several = len(reading.phrases) > 1 or ready
        packed = model.family.causal_image and isinstance(reading.rows, str) and several
        preset = model.resolve_preset(reading.preset)
        asked = (reading.phrases, preset, reading.placement, packed)
        group = next((each for each in groups if each.prompts == asked), None)
        if group is None:
            groups.append(group := _Group(*asked))
        group.members.append((number, reading))
    return groups


def _prefix(
    model: LoadedModel,
    pixels: Pixels,
    groups: Sequence[_Group],
    preset: str,
    placement: str | None,
) -> SharedPrefix:
    place = (preset, placement)
    mine = [group for group in groups if group.packed and (group.preset, group.placement) == place]
    deepest = max(group.deepest for group in mine)
    return shared_prefix(model, pixels, preset=preset, placement=placement, stop_after=deepest)


def _fill(model: LoadedModel, images: Sequence[_Image]) -> None:
    """Run the prefixes of all images, those of like ids in one batch."""
    batches: dict[Any, list[tuple[SharedPrefix, EncodedText]]] = {}
    for image in images:
        first: dict[int, tuple[SharedPrefix, EncodedText]] = {}
        for group in image.groups:
            if group.packed:
                prefix = image.prefix_of(group)
                first.setdefault(id(prefix), (prefix, group.texts[0]))
        for prefix, text in first.values():
            key = (prefix.preset, prefix.image.placement, prefix.stop_after, prefix.ids.tobytes())
            batches.setdefault(key, []).append((prefix, text))
    for batch in batches.values():
        fill_together([prefix for prefix, _ in batch], [text for _, text in batch])


def _steps(
    model: LoadedModel, image: _Image, group: _Group, alike: Sequence[_Image] = ()
) -> Iterator[Step]:
    """The passes of a group; nothing is encoded before somebody listens."""
    if group.packed:
        prefix = image.prefix_of(group)
        yield from packed_steps(prefix, group.texts, group.deepest, image.number)
        return
    pictures = [(each.number, each.pixels) for each in alike or (image,)]
    yield from whole_steps(
        model, pictures, group.phrases, group.preset, group.placement, group.deepest
    )


def _hear(
    model: LoadedModel, images: Sequence[_Image], group: _Group, steps: Iterable[Step]
) -> None:
    """Run passes under the listeners of a group, and keep what they hear of each image."""
    with contextlib.ExitStack() as outer:
        listeners = [(number, each.listener(model, outer)) for number, each in group.members]
        for step in steps:
            with contextlib.ExitStack() as inner:
                for _, listener in listeners:
                    listener.open(step.passes[0], inner)
                step.forward()
            for each in step.passes:
                for number, listener in listeners:
                    images[each.image].heard[number].update(listener.heard(each))
