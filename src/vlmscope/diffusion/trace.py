"""Watching a pipeline draw."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.diffusion.layers import check_pipeline, cross_layers
from vlmscope.diffusion.prompt_words import PromptWords, read_prompt
from vlmscope.diffusion.recorder import Recorder
from vlmscope.diffusion.result import WordMaps
from vlmscope.errors import AttentionError, BadOptionError, UnsupportedError

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["WordTrace", "trace_words"]


class WordTrace:
    """What was read while a pipeline drew; see :func:`trace_words`.

    Attributes:
        prompts: as the text encoder reads them.
    """

    def __init__(self, model: str, prompts: Sequence[PromptWords], recorder: Recorder) -> None:
        self.prompts = tuple(prompts)
        self._model, self._recorder = model, recorder

    @property
    def steps(self) -> int:
        """Passes of the U-Net so far; some schedulers make two for a step."""
        return self._recorder.steps

    def maps(self, images: Sequence[Image.Image | NDArray[np.uint8]]) -> list[WordMaps]:
        """The maps of each picture that was drawn.

        Args:
            images: what the pipeline gave, in its order: PIL images, or uint8 (height, width, 3).

        Raises:
            AttentionError: nothing was drawn.
            BadOptionError: another number of pictures than were drawn.
        """
        recorder = self._recorder
        if recorder.total is None:
            raise AttentionError(
                "Nothing was drawn inside the block, so there are no maps. Call the pipeline inside "
                "`with vs.trace_words(pipeline, prompt):`."
            )
        count = len(recorder.total)
        if len(images) != count:
            raise BadOptionError(
                f"{count} pictures were drawn and {len(images)} were given; give the `images` that the "
                "pipeline returned."
            )
        each = count // len(self.prompts)
        return [
            self._of(index, self.prompts[index // each], _pixels(image))
            for index, image in enumerate(images)
        ]

    def _of(self, index: int, prompt: PromptWords, image: NDArray[np.uint8]) -> WordMaps:
        recorder, width = self._recorder, len(prompt.tokens)
        assert recorder.total is not None
        steps = recorder.step_maps
        heads = recorder.head_maps
        return WordMaps(
            prompt=prompt,
            model=self._model,
            image=image,
            maps=recorder.total[index, :width].cpu().numpy(),
            steps=recorder.steps,
            layers=tuple(each.name for each in recorder.layers),
            heads=recorder.heads,
            step_maps=np.stack([step[index, :width].numpy() for step in steps]) if steps else None,
            head_maps=None if heads is None else heads[index, :, :width].numpy(),
        )


@contextlib.contextmanager
def trace_words(
    pipeline: Any,
    prompt: str | Sequence[str],
    *,
    middle: bool = False,
    by_step: bool = False,
    by_head: bool = False,
) -> Iterator[WordTrace]:
    """Watch where a text-to-image pipeline draws each word (DAAM, Tang et al., ACL 2023).

    The pipeline is called inside the block, as ever; its pictures stay the same to the bit. A map is
    about a picture that the pipeline makes, not about a photograph: it says where the word's token was
    read while that place was drawn.

    Args:
        pipeline: of diffusers, with a U-Net (Stable Diffusion 1, 2, XL and what is built on them).
        prompt: what it is called with, one or several.
        middle: read the middle block too, whose maps are the coarsest; the paper leaves it out.
        by_step: keep the maps of each pass.
        by_head: keep the maps of each head of each layer.

    Yields:
        The trace; its ``maps(images)`` are read after the pipeline was called.

    Raises:
        UnsupportedError: a pipeline without a U-Net, prompts as embeddings, guidance of other kinds.
        BadOptionError: an empty prompt.
    """
    unet = check_pipeline(pipeline)
    prompts = [read_prompt(pipeline, each) for each in _several(prompt)]
    recorder = Recorder(
        cross_layers(unet, middle),
        length=prompts[0].length,
        tokens=max(len(each.tokens) for each in prompts),
        prompts=len(prompts),
        guided=lambda: _guided(pipeline),
        by_step=by_step,
        by_head=by_head,
    )
    with recorder.watching(unet):
        yield WordTrace(_name(pipeline), prompts, recorder)


def _several(prompt: str | Sequence[str]) -> list[str]:
    several = [prompt] if isinstance(prompt, str) else list(prompt)
    if not several:
        raise BadOptionError("There is no prompt; give one at least.")
    return several


def _guided(pipeline: Any) -> bool:
    """Whether the batch holds the negative prompt too.

    Raises:
        UnsupportedError: a third part, or a pipeline that does not say.
    """
    kind = type(pipeline).__name__
    if getattr(pipeline, "do_perturbed_attention_guidance", False):
        raise UnsupportedError(
            f"{kind} draws with perturbed attention, whose passes hold pictures of a third kind. Draw "
            "with pag_scale=0."
        )
    guided = getattr(pipeline, "do_classifier_free_guidance", None)
    if guided is None:
        raise UnsupportedError(
            f"{kind} does not say whether its passes hold the negative prompt too "
            "(do_classifier_free_guidance), so it is not known which half follows the prompt."
        )
    return bool(guided)


def _name(pipeline: Any) -> str:
    return str(getattr(pipeline, "name_or_path", "") or type(pipeline).__name__)


def _pixels(image: Image.Image | NDArray[np.uint8]) -> NDArray[np.uint8]:
    pixels = np.asarray(image)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[-1] != 3:
        raise BadOptionError(
            "A drawn picture is a PIL image or uint8 (height, width, 3), got "
            f"{pixels.dtype} {pixels.shape}. Call the pipeline with output_type='pil'."
        )
    return pixels
