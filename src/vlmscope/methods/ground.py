"""``ground``: where does the model look for this phrase?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from vlmscope.data.images import ImageSource, OpenedImage
from vlmscope.methods.grounder import Phrase, grounder
from vlmscope.models import DualEncoder, LoadedModel, PatchTower, Prompt
from vlmscope.refine import Refiner
from vlmscope.results import Grounding

__all__ = ["ground"]

Image = ImageSource | OpenedImage


@overload
def ground(
    model: LoadedModel | DualEncoder,
    image: Image,
    phrases: Phrase,
    method: str | None = ...,
    heads: Any = ...,
    placement: str | None = ...,
    prompt: str | None = ...,
    rows: str | int | Sequence[int] | None = ...,
    refine: Refiner | None = ...,
    refine_prompt: str | None = ...,
    batch: int = ...,
    proxy: PatchTower | None = ...,
    text_cache: bool = ...,
    **options: Any,
) -> Grounding: ...


@overload
def ground(
    model: LoadedModel | DualEncoder,
    image: Image,
    phrases: Sequence[Phrase],
    method: str | None = ...,
    heads: Any = ...,
    placement: str | None = ...,
    prompt: str | None = ...,
    rows: str | int | Sequence[int] | None = ...,
    refine: Refiner | None = ...,
    refine_prompt: str | None = ...,
    batch: int = ...,
    proxy: PatchTower | None = ...,
    text_cache: bool = ...,
    **options: Any,
) -> list[Grounding]: ...


@overload
def ground(
    model: LoadedModel | DualEncoder,
    image: list[Image] | tuple[Image, ...],
    phrases: Phrase,
    method: str | None = ...,
    heads: Any = ...,
    placement: str | None = ...,
    prompt: str | None = ...,
    rows: str | int | Sequence[int] | None = ...,
    refine: Refiner | None = ...,
    refine_prompt: str | None = ...,
    batch: int = ...,
    proxy: PatchTower | None = ...,
    text_cache: bool = ...,
    **options: Any,
) -> list[Grounding]: ...


@overload
def ground(
    model: LoadedModel | DualEncoder,
    image: list[Image] | tuple[Image, ...],
    phrases: Sequence[Phrase],
    method: str | None = ...,
    heads: Any = ...,
    placement: str | None = ...,
    prompt: str | None = ...,
    rows: str | int | Sequence[int] | None = ...,
    refine: Refiner | None = ...,
    refine_prompt: str | None = ...,
    batch: int = ...,
    proxy: PatchTower | None = ...,
    text_cache: bool = ...,
    **options: Any,
) -> list[list[Grounding]]: ...


def ground(
    model: LoadedModel | DualEncoder,
    image: Image | list[Image] | tuple[Image, ...],
    phrases: Phrase | Sequence[Phrase],
    method: str | None = None,
    heads: Any = None,
    placement: str | None = None,
    prompt: str | None = None,
    rows: str | int | Sequence[int] | None = None,
    refine: Refiner | None = None,
    refine_prompt: str | None = None,
    batch: int = 1,
    proxy: PatchTower | None = None,
    text_cache: bool = True,
    **options: Any,
) -> Grounding | list[Grounding] | list[list[Grounding]]:
    """Find what phrases refer to in an image, or in each of several.

    Args:
        model: the model.
        image: path, bytes, PIL image or uint8 array (height, width, 3); a list of them: every image
            with every phrase. For more than fit in memory, see :func:`vlmscope.grounder`.
        phrases: one phrase, or several: they share the image's forward pass.
        method: id of a method; default: the first that runs on the model.
        heads: for methods that read chosen heads: a HeadSet, the path of a head file, the name of
            a published set, ``"L14H24,L14H13"`` or (layer, head) pairs; default: the heads that
            ship with the model, else those published for it.
        placement: how the image is fitted; default: the family's.
        prompt: preset of the prompt; default: the one the heads were discovered with.
        rows: the read-out row; default: the one the heads were discovered with.
        refine: a SAM from :func:`vlmscope.load_sam` that draws the masks; default: masks are the
            method's own.
        refine_prompt: what prompts it: ``box`` (default), ``point``, ``both`` or ``mask``.
        batch: of a list of images, how many are looked at side by side, for methods that read a
            decoder's attention. Images of the same number of tokens share a pass; maps may differ
            from those of one image at a time in their last digits.
        proxy: a tower from :func:`vlmscope.load_tower`, for ``proxyclip``.
        text_cache: keep the embeddings of many phrases (256 texts or more, templates counted) in
            ``$VLMSCOPE_HOME/texts``, for methods that embed phrases; False: neither read nor write.
        **options: of the method; ``post="paper"`` or a PostOptions chooses a whole setting of the
            post-processing in place of the model's own, single options change it.

    Returns:
        One Grounding for one phrase, a list for a sequence of phrases; for a list of images, a list
        with that of each.

    Raises:
        BadImageError: an image that cannot be read.
        BadPhraseError: an empty phrase, or something that is no text.
        UnknownNameError: an unknown method, option, placement, preset, row or prompt of SAM.
        BadHeadSetError: heads that the model does not have, or none to be found for it.
        UnsupportedError: a method that cannot run on the model.
        BadOptionError: ``refine`` that is no Refiner, its prompt without it, ``proxy`` that is no
            tower, or an argument that the method has no use for.
    """
    ready = grounder(
        model,
        phrases,
        method,
        heads,
        placement,
        prompt,
        rows,
        refine,
        refine_prompt,
        batch,
        proxy,
        text_cache,
        **options,
    )
    alone = isinstance(phrases, str | Prompt)
    if isinstance(image, list | tuple):
        by_image = list(ready.each(image))
        return [results[0] for results in by_image] if alone else by_image
    results = ready(image)
    return results[0] if alone else results
