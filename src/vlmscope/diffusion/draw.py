"""A picture drawn from a prompt, with the maps of its words."""

from __future__ import annotations

from typing import Any

import torch

from vlmscope.diffusion.result import WordMaps
from vlmscope.diffusion.trace import trace_words
from vlmscope.errors import BadOptionError
from vlmscope.progress import progress_bar

__all__ = ["draw_words"]


def draw_words(
    pipeline: Any,
    prompt: str,
    *,
    steps: int = 30,
    seed: int = 0,
    size: tuple[int, int] | None = None,
    negative: str | None = None,
    guidance: float = 7.5,
    middle: bool = False,
    by_step: bool = False,
    by_head: bool = False,
    progress: bool = True,
) -> WordMaps:
    """Draw one picture and say where each word of the prompt lies in it (DAAM).

    Args:
        pipeline: of diffusers, or from :func:`vlmscope.load_pipeline`.
        prompt: what is drawn.
        steps: of the scheduler, at least 1.
        seed: of the noise that the picture begins with.
        size: (height, width) in pixels; default: the pipeline's own.
        negative: what is kept away; None: nothing.
        guidance: scale of classifier-free guidance; 1 or less: none.
        middle, by_step, by_head: see :func:`vlmscope.trace_words`.
        progress: show a bar.

    Raises:
        BadOptionError: no step, a size of 0 or less, an empty prompt.
        UnsupportedError: a pipeline without a U-Net.
    """
    if steps < 1:
        raise BadOptionError(f"A picture takes at least 1 step, got {steps}.")
    options: dict[str, Any] = {}
    if size is not None:
        if min(size) < 1:
            raise BadOptionError(f"A size is (height, width) in pixels, got {size}.")
        options = {"height": size[0], "width": size[1]}
    if negative is not None:
        options["negative_prompt"] = negative
    options["generator"] = torch.Generator("cpu").manual_seed(seed)
    with (
        trace_words(pipeline, prompt, middle=middle, by_step=by_step, by_head=by_head) as trace,
        progress_bar((), "drawing", total=steps, unit="step", progress=progress) as bar,
    ):

        def advance(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
            bar.update(1)
            return values

        drawn = pipeline(
            prompt,
            num_inference_steps=steps,
            guidance_scale=guidance,
            output_type="pil",
            callback_on_step_end=advance,
            **options,
        )
    return trace.maps(drawn.images)[0]
