"""Several readings of one image on the same passes, and of several images side by side.

Readings of the same prompts hear the same passes; all that are packed behind an image share its prefix.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention.fitted import FittedImage
from vlmscope.attention.passes import (
    PackedImage,
    PhrasePass,
    Step,
    WholePrompt,
    packed_steps,
    whole_steps,
)
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

    @property
    def same_roles(self) -> bool:
        """Whether a pass over several prompts needs them to mean the same, position by position."""
        ...

    def asking(self, phrases: tuple[Prompt, ...]) -> ImageReading:
        """The same of other phrases."""
        ...

    def listener(self, model: LoadedModel, stack: contextlib.ExitStack) -> Listener: ...


def read_together(
    model: LoadedModel,
    pixels: Pixels | FittedImage,
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
        _hear(model, [image], [(image, group)])
    return image.collected()


def read_images(
    model: LoadedModel,
    images: Sequence[Pixels | FittedImage],
    readings: Sequence[Sequence[ImageReading]],
) -> list[list[list[Any]]]:
    """The same for several images, those of like token count side by side.

    Prefixes are run in one batch, and the phrases behind them where images are asked the same; so are
    whole prompts of like length, whatever they ask. Maps may differ in their last digits from those
    of one image alone.

    Args:
        model: the model.
        images: uint8 (height, width, 3) each, or fitted already.
        readings: of each image.
    """
    several = [
        _Image.of(model, number, *each)
        for number, each in enumerate(zip(images, readings, strict=True))
    ]
    _fill(model, several)
    waiting = [(image, group) for image in several for group in image.groups]
    while waiting:
        first = waiting[0]
        alike = [pair for pair in waiting if pair is first or _alike(first, pair)]
        waiting = [pair for pair in waiting if pair not in alike]
        _hear(model, several, alike)
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

    @property
    def settings(self) -> list[tuple[int, ImageReading]]:
        """What is read, whatever the phrases."""
        return [(number, reading.asking(())) for number, reading in self.members]

    @property
    def same_roles(self) -> bool:
        return any(reading.same_roles for _, reading in self.members)


@dataclass(eq=False)
class _Image:
    """One image with all that is read of it.

    Attributes:
        number: which it is.
        fitted: the image.
        groups: the readings, by prompts.
        prefixes: by preset and placement.
        heard: of each reading, by phrase.
    """

    number: int
    fitted: FittedImage
    groups: list[_Group]
    prefixes: dict[tuple[str, str | None], SharedPrefix]
    heard: list[dict[int, Any]]

    @classmethod
    def of(
        cls,
        model: LoadedModel,
        number: int,
        pixels: Pixels | FittedImage,
        readings: Sequence[ImageReading],
        prefix: SharedPrefix | None = None,
    ) -> _Image:
        groups = _groups(model, readings, prefix is not None)
        fitted = FittedImage.of(model, pixels)
        image = cls(number, fitted, groups, {}, [{} for _ in readings])
        for place in dict.fromkeys((g.preset, g.placement) for g in groups if g.packed):
            image.prefixes[place] = prefix or _prefix(fitted, groups, *place)
        return image

    def prefix_of(self, group: _Group) -> SharedPrefix:
        prefix = self.prefixes[group.preset, group.placement]
        if not group.texts:
            group.texts = prefix.encode(group.phrases)
        return prefix

    def packed(self, group: _Group) -> PackedImage:
        prefix = self.prefix_of(group)
        return PackedImage(self.number, prefix, group.texts)

    def whole(self, group: _Group) -> list[WholePrompt]:
        return [
            WholePrompt(self.number, self.fitted, index, phrase)
            for index, phrase in enumerate(group.phrases)
        ]

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


def _alike(one: tuple[_Image, _Group], two: tuple[_Image, _Group]) -> bool:
    """Whether passes serve both, of two images."""
    first, second = one[1], two[1]
    if first.prompts[1:] != second.prompts[1:] or first.settings != second.settings:
        return False
    if not first.packed:
        return True
    return first.phrases == second.phrases and one[0].packed(first).alike(two[0].packed(second))


def _prefix(
    image: FittedImage, groups: Sequence[_Group], preset: str, placement: str | None
) -> SharedPrefix:
    place = (preset, placement)
    mine = [group for group in groups if group.packed and (group.preset, group.placement) == place]
    return shared_prefix(
        image.model,
        image.pixels,
        preset=preset,
        placement=placement,
        stop_after=max(group.deepest for group in mine),
        image=image.inputs(placement),
    )


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


def _steps(model: LoadedModel, asked: Sequence[tuple[_Image, _Group]], most: int) -> Iterator[Step]:
    """The passes of groups that are alike; nothing is encoded before somebody listens."""
    group = asked[0][1]
    if group.packed:
        yield from packed_steps([image.packed(own) for image, own in asked], group.deepest)
        return
    prompts = [each for image, own in asked for each in image.whole(own)]
    prompts.sort(key=lambda each: each.index)  # images that are asked the same come together
    yield from whole_steps(
        model, prompts, group.preset, group.placement, group.deepest, most, group.same_roles
    )


def _hear(
    model: LoadedModel, images: Sequence[_Image], asked: Sequence[tuple[_Image, _Group]]
) -> None:
    """Run the passes of groups that are alike under listeners, and keep what they hear of each image."""
    phrases = tuple(dict.fromkeys(phrase for _, group in asked for phrase in group.phrases))
    with contextlib.ExitStack() as outer:
        listeners = [
            (number, reading.asking(phrases).listener(model, outer))
            for number, reading in asked[0][1].members
        ]
        for step in _steps(model, asked, len(images)):
            with contextlib.ExitStack() as inner:
                for _, listener in listeners:
                    listener.open(step.passes[0], inner)
                step.forward()
            for each in step.passes:
                for number, listener in listeners:
                    images[each.image].heard[number].update(listener.heard(each))
