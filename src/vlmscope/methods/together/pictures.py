"""``ground_pictures``: in which of these pictures is it, and where?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from vlmscope.attention.pictures import Shown
from vlmscope.data.images import ImageSource, OpenedImage, open_image
from vlmscope.errors import BadImageError
from vlmscope.methods.grounder import Phrase
from vlmscope.methods.together.asked import Found, asked
from vlmscope.models import LoadedModel, Prompt
from vlmscope.results import PicturesGrounding

__all__ = ["ground_pictures"]

Image = ImageSource | OpenedImage


@overload
def ground_pictures(
    model: LoadedModel,
    images: Sequence[Image],
    phrases: Phrase,
    method: str | None = ...,
    heads: Any = ...,
    placement: str | None = ...,
    prompt: str | None = ...,
    rows: str | int | Sequence[int] | None = ...,
    **options: Any,
) -> PicturesGrounding: ...


@overload
def ground_pictures(
    model: LoadedModel,
    images: Sequence[Image],
    phrases: Sequence[Phrase],
    method: str | None = ...,
    heads: Any = ...,
    placement: str | None = ...,
    prompt: str | None = ...,
    rows: str | int | Sequence[int] | None = ...,
    **options: Any,
) -> list[PicturesGrounding]: ...


def ground_pictures(
    model: LoadedModel,
    images: Sequence[Image],
    phrases: Phrase | Sequence[Phrase],
    method: str | None = None,
    heads: Any = None,
    placement: str | None = None,
    prompt: str | None = None,
    rows: str | int | Sequence[int] | None = None,
    **options: Any,
) -> PicturesGrounding | list[PicturesGrounding]:
    """Show a model several pictures in one prompt, and find which of them a phrase is in, and where.

    All pictures share the attention of the prompt: each has its share, and one threshold counts for
    all, so what lights up in one of them only has a box there alone. :func:`vlmscope.ground` with a
    list looks at each picture by itself.

    Args:
        model: a model with a decoder, of a family that takes several pictures in a prompt.
        images: two or more, each a path, bytes, PIL image or uint8 array, of any sizes.
        phrases: one phrase, or several, each with a pass of its own.
        method: id of a method that reads a decoder's attention; default: the model's.
        heads, placement, prompt, rows: as for :func:`vlmscope.ground`.
        **options: of the method.

    Returns:
        One result for one phrase, a list for a sequence of phrases.

    Raises:
        BadImageError: an image that cannot be read, or fewer than two.
        BadPhraseError: an empty phrase, none, or a prompt longer than the model can hold.
        UnsupportedError: a family that takes one picture per prompt, a model without a decoder, or
            a method that reads no attention.
        BadOptionError, UnknownNameError, BadHeadSetError: as :func:`vlmscope.ground`.
    """
    ready = asked(model, phrases, method, heads, placement, prompt, rows, options)
    opened = _opened(images)
    shown = Shown(ready.model, [each.pixels for each in opened])
    names = tuple(each.name for each in opened)
    results = [_result(found, names) for found in ready.find(shown)]
    return results[0] if isinstance(phrases, str | Prompt) else results


def _opened(images: Any) -> list[OpenedImage]:
    if not isinstance(images, list | tuple):
        raise BadImageError(
            f"Several pictures are given as a list, got {type(images).__name__}. For one picture: "
            "vlmscope.ground."
        )
    if len(images) < 2:
        raise BadImageError(
            f"Two pictures or more share a prompt, got {len(images)}. For one picture: vlmscope.ground."
        )
    return [open_image(each) for each in images]


def _result(found: Found, names: tuple[str, ...]) -> PicturesGrounding:
    count = len(names)
    records = ({"picture": number, "pictures": count} for number in range(count))
    return PicturesGrounding(**found.fields(records), sources=names)
