"""Maps of words equal a naive loop over the probabilities that plain attention computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import vlmscope as vs
from pipelines import diffusion_pipeline, xl_pipeline

PROMPT = "a red circle on the left of a dog"
STEPS = 3


class Plain:
    """Attention as it is written down, which keeps what it computed."""

    def __init__(self, name: str, kept: list[tuple[str, torch.Tensor]]) -> None:
        self.name, self.kept = name, kept

    def __call__(self, attn: Any, hidden: Any, encoder_hidden_states: Any = None, **_: Any) -> Any:
        source = hidden if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            attn.head_to_batch_dim(part)
            for part in (attn.to_q(hidden), attn.to_k(source), attn.to_v(source))
        )
        rows = attn.get_attention_scores(query, key, None)
        if encoder_hidden_states is not None:
            self.kept.append((self.name, rows))
        return attn.to_out[0](attn.batch_to_head_dim(torch.bmm(rows, value)))


def drawn(pipeline: Any, size: tuple[int, int], guidance: float = 7.5, **more: Any) -> Any:
    return pipeline(
        PROMPT,
        num_inference_steps=STEPS,
        guidance_scale=guidance,
        height=size[0],
        width=size[1],
        generator=torch.Generator().manual_seed(5),
        **more,
    ).images


def keeping(pipeline: Any) -> list[tuple[str, torch.Tensor]]:
    """What plain attention to the prompt computes from now on: (layer, (items x heads, places, keys))."""
    kept: list[tuple[str, torch.Tensor]] = []
    processors = {
        name: Plain(name.removesuffix(".processor"), kept) if "attn2" in name else processor
        for name, processor in pipeline.unet.attn_processors.items()
    }
    pipeline.unet.set_attn_processor(processors)
    return kept


def naive(
    kept: list[tuple[str, torch.Tensor]], size: tuple[int, int], guidance: float
) -> dict[int, list[tuple[str, int, np.ndarray]]]:
    """Every map, one by one, as the paper has it: step -> layer, head, (tokens, height, width)."""
    latent = size[0] // 2, size[1] // 2
    steps: dict[int, list[tuple[str, int, np.ndarray]]] = {}
    passes: dict[str, int] = {}
    for name, rows in kept:
        if name.startswith("mid_block"):
            continue
        step = passes[name] = passes.get(name, -1) + 1
        half = rows.chunk(2)[1] if guidance > 1 else rows  # pictures, then heads
        for head, map_of_head in enumerate(half):
            places, keys = map_of_head.shape
            shrink = round((latent[0] * latent[1] / places) ** 0.5)
            maps = np.zeros((keys, *latent), np.float32)
            for key in range(keys):
                grid = map_of_head[:, key].reshape(latent[0] // shrink, latent[1] // shrink)
                large = F.interpolate(grid[None, None], size=latent, mode="bicubic")[0, 0]
                maps[key] = large.clamp(min=0).numpy()
            steps.setdefault(step, []).append((name, head, maps))
    return steps


@pytest.mark.parametrize(
    "make, size, guidance",
    [
        (diffusion_pipeline, (32, 32), 7.5),
        (diffusion_pipeline, (32, 48), 1.0),
        (xl_pipeline, (48, 32), 5.0),
    ],
    ids=["guided", "wide, no guidance", "XL, tall"],
)
def test_maps_are_those_of_a_naive_loop(make: Any, size: tuple[int, int], guidance: float) -> None:
    pipeline = make()
    plain = drawn(pipeline, size, guidance)[0]
    with vs.trace_words(pipeline, PROMPT):
        [image] = drawn(pipeline, size, guidance)
    assert np.array_equal(np.asarray(image), np.asarray(plain)), "looking changed the picture"
    # the same run, or else roundings of another kernel add up from step to step
    kept = keeping(pipeline)
    with vs.trace_words(pipeline, PROMPT, by_step=True, by_head=True) as trace:
        images = drawn(pipeline, size, guidance)
    [found] = trace.maps(images)
    steps = naive(kept, size, guidance)
    assert found.steps == len(steps) == STEPS
    assert list(found.heads) == [(name, head) for name, head, _ in steps[0]]
    tokens = len(found.prompt.tokens)
    expected = np.array([[maps[:tokens] for _, _, maps in steps[step]] for step in range(STEPS)])
    np.testing.assert_allclose(found.maps, expected.sum(0).mean(0), atol=1e-5)
    np.testing.assert_allclose(found.step_maps, expected.mean(1), atol=1e-5)
    np.testing.assert_allclose(found.head_maps, expected.sum(0), atol=1e-5)
    # "red" is one token, the third: BOS, a, red
    np.testing.assert_allclose(found.word("red"), expected.sum(0).mean(0)[2], atol=1e-5)
    assert expected.max() > 0.5, "no map has a peak: nothing was compared"


def test_the_middle_block_is_read_when_it_is_wanted() -> None:
    pipeline = diffusion_pipeline()
    with vs.trace_words(pipeline, PROMPT, by_head=True) as without:
        drawn(pipeline, (32, 32))
    with vs.trace_words(pipeline, PROMPT, middle=True, by_head=True) as trace:
        images = drawn(pipeline, (32, 32))
    [few], [every] = without.maps(images), trace.maps(images)
    middle = [place for place, (layer, _) in enumerate(every.heads) if "mid_block" in layer]
    assert middle and len(every.heads) == len(few.heads) + len(middle)
    others = np.delete(every.head_maps, middle, axis=0)
    np.testing.assert_allclose(others, few.head_maps, atol=1e-6)


def test_several_prompts_and_pictures_are_each_their_own() -> None:
    pipeline = diffusion_pipeline()
    prompts = [PROMPT, "a blue star"]

    def seeds(*numbers: int) -> list[torch.Generator]:
        return [torch.Generator().manual_seed(number) for number in numbers]

    with vs.trace_words(pipeline, prompts) as trace:
        images = pipeline(
            prompts, num_inference_steps=2, num_images_per_prompt=2, generator=seeds(1, 2, 3, 4)
        ).images
    together = trace.maps(images)
    for index, prompt in enumerate([PROMPT, PROMPT, "a blue star", "a blue star"]):
        with vs.trace_words(pipeline, prompt) as single:
            alone = pipeline(prompt, num_inference_steps=2, generator=seeds(index + 1)).images
        [expected] = single.maps(alone)
        assert together[index].prompt == expected.prompt
        np.testing.assert_allclose(together[index].maps, expected.maps, atol=1e-4)
    assert np.abs(together[0].maps - together[1].maps).max() > 1e-3, "both pictures are one"


def test_a_mask_of_the_prompt_is_kept_to() -> None:
    pipeline = diffusion_pipeline()
    pipeline._guidance_scale = 1.0
    torch.manual_seed(0)
    mask = torch.ones(1, 16)
    mask[:, 3:] = 0
    with vs.trace_words(pipeline, PROMPT) as trace, torch.no_grad():
        pipeline.unet(
            torch.randn(1, 4, 16, 16),
            torch.tensor(5),
            torch.randn(1, 16, 32),
            encoder_attention_mask=mask,
        )
    [found] = trace.maps([np.zeros((32, 32, 3), np.uint8)])
    assert found.maps[3:].max() == 0 < found.maps[:3].min()


def test_nothing_stays_behind_on_the_pipeline() -> None:
    pipeline = diffusion_pipeline()

    def hooks() -> int:
        parts = pipeline.unet.modules()
        return sum(len(part._forward_hooks) + len(part._forward_pre_hooks) for part in parts)

    with vs.trace_words(pipeline, PROMPT):
        assert hooks() > 0
    with pytest.raises(RuntimeError), vs.trace_words(pipeline, PROMPT):
        raise RuntimeError
    assert hooks() == 0
