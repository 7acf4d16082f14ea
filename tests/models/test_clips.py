"""Clips that families read as videos: tensors and ids by hand, rows by eager, geometry in time and space."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from PIL import Image

import vlmscope as vs
from clips import random_frames
from lvlms import Build, builds, made
from lvlms.llava_next import quiet
from lvlms.llava_onevision import onevision
from vlmscope.attention.pictures import Shown
from vlmscope.attention.prefill import run
from vlmscope.errors import BadPhraseError, UnsupportedError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.clips import fit_clip
from vlmscope.models.decoders.qwen_clips import Qwen3Clips
from vlmscope.models.families import FAMILIES

GLM = ("glm-4v", "glm-4v-moe", "glm-46v", "glm-ga")
QWEN = (
    *GLM,
    "qwen2-vl",
    "qwen2.5-vl",
    "qwen3-vl",
    "qwen3-vl-moe",
    "qwen3.5",
    "cosmos3-omni",
)
ONEVISION = {
    "onevision": lambda: onevision(side=112, largest=2),  # 8x8 patches, 4x4 tokens of a frame
    "onevision-odd": lambda: onevision(side=103, largest=2),  # 7x7, and five pixels left over
}
CROPPED = ("llava-next-video", "video-llava")
INTERN = ("internvl",)
VIDEO = (*QWEN, *ONEVISION, *CROPPED, *INTERN)
PHRASE = "the small red circle on the left"
SIZES = {"odd": (101, 67), "wide": (60, 180), "large": (230, 310)}
# half a token of the tower's grid and what a kernel reaches, in tokens of which there are half as many
HALVED = 0.75


def model_of(name: str) -> LoadedModel:
    return _onevision(name) if name in ONEVISION else made(name)


@cache
def _onevision(name: str) -> LoadedModel:
    return ONEVISION[name]()


def timed(model: LoadedModel) -> bool:
    """Whether the seconds of each step are written before its tokens."""
    return isinstance(model.family.clips, Qwen3Clips)


each_family = pytest.mark.parametrize("name", VIDEO)


def seconds(count: int) -> list[float]:
    return [0.5 + 0.75 * index for index in range(count)]


def test_every_family_that_reads_clips_is_proved() -> None:
    proved = {model_of(name).family.id for name in VIDEO}
    assert {each.id for each in FAMILIES if getattr(each, "clips", None) is not None} == proved


# -- tensors -----------------------------------------------------------------------------


def resized(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    picture = Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(picture, dtype=np.float64)


def normal(pixels: np.ndarray, images: object) -> np.ndarray:
    return (pixels / 255 - np.array(images.image_mean)) / np.array(images.image_std)


def qwen_size(model: LoadedModel, height: int, width: int, count: int) -> tuple[int, int]:
    """Height and width that frames are stretched to, from the published rule."""
    images, vision = model.processor.image_processor, model.hf.config.vision_config
    factor = vision.patch_size * vision.spatial_merge_size
    # Qwen3-VL counts all frames, of which there are the nearest even number, in one image's budget
    share, even = (count, max(2, 2 * round(count / 2))) if timed(model) else (1, 1)
    least, most = images.size["shortest_edge"], images.size["longest_edge"]
    tall, wide = (round(side / factor) * factor for side in (height, width))
    if even * tall * wide > most:
        shrink = math.sqrt(share * height * width / most)
        sides = [math.floor(side / shrink / factor) * factor for side in (height, width)]
        return max(factor, sides[0]), max(factor, sides[1])
    if even * tall * wide < least:
        grow = math.sqrt(least / (share * height * width))
        sides = [math.ceil(side * grow / factor) * factor for side in (height, width)]
        return sides[0], sides[1]
    return tall, wide


def qwen_patches(model: LoadedModel, frames: list[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    """Every patch by itself, in loops: two frames, three channels, a square of pixels."""
    vision = model.hf.config.vision_config
    patch, merge = vision.patch_size, vision.spatial_merge_size
    size = qwen_size(model, *frames[0].shape[:2], len(frames))
    clip = [normal(resized(frame, *size), model.processor.image_processor) for frame in frames]
    clip += clip[-1:] * (len(clip) % 2)
    rows, columns = size[0] // patch, size[1] // patch
    patches = []
    for step in range(len(clip) // 2):
        for big_row in range(rows // merge):
            for big_column in range(columns // merge):
                for row in range(big_row * merge, (big_row + 1) * merge):
                    for column in range(big_column * merge, (big_column + 1) * merge):
                        area = np.s_[
                            row * patch : (row + 1) * patch,
                            column * patch : (column + 1) * patch,
                        ]
                        pair = [clip[2 * step][area], clip[2 * step + 1][area]]
                        patches.append(np.stack(pair).transpose(3, 0, 1, 2).ravel())
    return np.array(patches), [len(clip) // 2, rows, columns]


@pytest.mark.parametrize("count", [1, 4, 5])
@pytest.mark.parametrize("name", QWEN)
def test_qwen_patches_of_two_frames_equal_a_loop(name: str, count: int) -> None:
    model = model_of(name)
    frames = random_frames(count, 101, 67)
    patches, grid = qwen_patches(model, frames)
    fitted = fit_clip(model, frames, seconds(count))
    assert fitted.tensors["video_grid_thw"].tolist() == [grid]
    values = fitted.tensors["pixel_values_videos"].numpy()
    np.testing.assert_allclose(values, patches, atol=2e-6, rtol=0)
    assert [layout.frames for layout in fitted.layouts] == [
        (first, min(first + 2, count)) for first in range(0, count, 2)
    ]


@pytest.mark.parametrize("name", [*ONEVISION, "internvl"])
def test_frames_are_squashed_to_the_tower(name: str) -> None:
    model = model_of(name)
    frames = random_frames(3, 101, 67)
    images = model.processor.image_processor
    side = images.size["height"]
    by_hand = np.stack(
        [normal(resized(frame, side, side), images).transpose(2, 0, 1) for frame in frames]
    )
    fitted = fit_clip(model, frames, seconds(3))
    if name == "internvl":  # which takes frames as pictures
        values = fitted.tensors["pixel_values"][None]
    else:
        values = fitted.tensors["pixel_values_videos"]
    np.testing.assert_allclose(values.numpy(), by_hand[None], atol=2e-6, rtol=0)


def middle(frame: np.ndarray, side: int) -> np.ndarray:
    """The middle square of a frame whose shorter side was made ``side`` pixels long."""
    height, width = frame.shape[:2]
    short = min(height, width)
    pixels = resized(frame, side * height // short, side * width // short)
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    return pixels[top : top + side, left : left + side]


@pytest.mark.parametrize("size", [(101, 67), (60, 180)])
@pytest.mark.parametrize("name", CROPPED)
def test_the_middle_square_of_a_frame_is_cut_out(name: str, size: tuple[int, int]) -> None:
    model = model_of(name)
    frames = random_frames(3, *size)
    side = model.hf.config.vision_config.image_size
    images = model.processor.image_processor
    by_hand = [normal(middle(frame, side), images).transpose(2, 0, 1) for frame in frames]
    fitted = fit_clip(model, frames, seconds(3))
    values = fitted.tensors["pixel_values_videos"].numpy()
    np.testing.assert_allclose(values, np.stack(by_hand)[None], atol=2e-6, rtol=0)
    assert fitted.placement == "crop"


def test_positions_of_qwen25_count_seconds() -> None:
    model = made("qwen2.5-vl")
    encoded = Shown(model, random_frames(6, 56, 84), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    inputs = encoded.encoded(Prompt(PHRASE), "chat").inputs
    per_second = model.hf.config.vision_config.tokens_per_second
    where = inputs["input_ids"][0] == model.hf.config.video_token_id
    time = inputs["position_ids"][0, 0, where]
    steps = torch.unique(time - time[0]).tolist()
    assert steps == [0, 2 * per_second, 4 * per_second]  # a step is two frames, two seconds apart


# -- prompts -----------------------------------------------------------------------------


def as_published(name: str, cells: list[int]) -> tuple[str, str]:
    """What a template writes for a clip of five frames, and what the processor makes of it.

    Args:
        name: of the build.
        cells: tokens of each step's grid.
    """
    if name in INTERN:
        tokens = ["<IMG_CONTEXT>" * count for count in cells]
        lines = [f"Frame{at}: <img>{each}</img>" for at, each in enumerate(tokens, start=1)]
        return "<video>", "\n".join(lines)
    if (
        name not in QWEN
    ):  # one newline token ends OneVision's, a class token begins Video-LLaVA's frames
        more = {"onevision": 1, "onevision-odd": 1, "video-llava": len(cells)}.get(name, 0)
        return "<video>", "<video>" * (sum(cells) + more)
    if name in GLM:
        texts = ("0", "2", "4") if "4v" in name else ("0.0 seconds", "2.0 seconds", "4.5 seconds")
        return "<|video|>", "".join(
            f"<|begin_of_image|>{'<|image|>' * count}<|end_of_image|>{text}"
            for text, count in zip(texts, cells, strict=True)
        )
    pad = "<|video_pad|>"
    if not timed(model_of(name)):
        return pad, pad * sum(cells)
    return pad, "".join(
        f"<{middle} seconds><|vision_start|>{pad * count}<|vision_end|>"
        for middle, count in zip(("0.5", "2.5", "4.5"), cells, strict=True)
    )


@each_family
def test_a_clip_is_written_as_the_family_writes_videos(name: str) -> None:
    model = model_of(name)
    frames = random_frames(5, 60, 90)
    encoded = Shown(model, frames, [0.0, 1.0, 2.0, 3.0, 4.5]).encoded(Prompt(PHRASE), "chat")
    [tokens] = encoded.token_maps
    cells = [view.grid[0] * view.grid[1] for view in tokens.views]
    placeholder, expected = as_published(name, cells)
    content = [{"type": "video"}, {"type": "text", "text": PHRASE}]
    text = model.processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    ids = model.processor.tokenizer(text.replace(placeholder, expected)).input_ids
    assert encoded.inputs["input_ids"][0].tolist() == ids
    config = model.hf.config
    token_id = config.image_token_id if name in (*INTERN, *GLM) else config.video_token_id
    assert all(ids[position] == token_id for position in tokens.image_positions)
    assert len(tokens.image_positions) == sum(cells)


@each_family
def test_the_paper_preset_takes_a_clip_too(name: str) -> None:
    model = model_of(name)
    encoded = Shown(model, random_frames(2, 60, 90), [0.0, 1.0]).encoded(Prompt(PHRASE), "paper")
    tokens = encoded.token_maps[0]
    words = [tokens.tokens[each] for each in tokens.positions("phrase")]
    assert words[-1].strip() == "left" and len(tokens.image_positions) > 0


def test_a_phrase_with_the_video_token_is_refused() -> None:
    model = made("qwen2-vl")
    with pytest.raises(BadPhraseError, match=r"video_pad"):
        Shown(model, random_frames(2, 60, 90), [0, 1]).encoded(Prompt("a <|video_pad|>"), "chat")


def test_other_families_name_the_way_of_several_pictures() -> None:
    frames = random_frames(2, 60, 90)
    with pytest.raises(UnsupportedError, match="way='pictures'"):
        fit_clip(made("llava"), frames, [0.0, 1.0])
    with pytest.raises(UnsupportedError, match="one by one"):
        fit_clip(made("blip-2"), frames, [0.0, 1.0])


# -- rows --------------------------------------------------------------------------------


@each_family
def test_rows_of_a_clip_equal_eager(name: str) -> None:
    model = model_of(name)
    encoded = Shown(model, random_frames(5, 60, 90), seconds(5)).encoded(Prompt(PHRASE), "chat")
    with vs.capture(model, rows="phrase") as trace:
        run(model, encoded)
    tokens = trace.token_map
    model.decoder.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            layers = model.hf(**encoded.inputs, output_attentions=True).attentions
    finally:
        model.decoder.set_attn_implementation("sdpa")
    rows = tokens.positions("phrase")
    expected = torch.stack([each[0][:, rows] for each in layers])[..., tokens.image_positions]
    torch.testing.assert_close(trace.maps, expected, atol=1e-5, rtol=0)
    assert float(trace.maps.max()) > 0


# -- pixels and frames -------------------------------------------------------------------


@pytest.fixture(scope="module")
def quieted() -> dict[str, LoadedModel]:
    return {}


def received(model: LoadedModel, frames: list[np.ndarray]) -> tuple[torch.Tensor, vs.TokenMap]:
    """Float (tokens, hidden) that the decoder receives for the clip, and the token map."""
    seen: list[torch.Tensor] = []

    def keep(module: torch.nn.Module, args: tuple, kwargs: dict) -> None:
        seen.append(kwargs["inputs_embeds"].detach().clone())

    encoded = Shown(model, frames, seconds(len(frames))).encoded(Prompt(PHRASE), "chat")
    hook = model.decoder.register_forward_pre_hook(keep, with_kwargs=True)
    try:
        run(model, encoded, stop_after=0)
    finally:
        hook.remove()
    [tokens] = encoded.token_maps
    return seen[0][0][tokens.image_positions], tokens


@pytest.mark.parametrize("shape", list(SIZES))
@each_family
def test_painting_a_frame_changes_the_tokens_that_claim_its_time_and_place(
    name: str, shape: str, quieted: dict[str, LoadedModel]
) -> None:
    if name not in quieted:
        build = Build(ONEVISION[name], quiet) if name in ONEVISION else builds()[name]
        quieted[name] = build.make()
        build.quiet(quieted[name])
    model, (height, width) = quieted[name], SIZES[shape]
    frames = random_frames(5, height, width, seed=3)
    before, tokens = received(model, frames)
    boxes = np.concatenate([view.boxes for view in tokens.views])
    spans = np.concatenate([[view.frames] * len(view.boxes) for view in tokens.views])
    sides = boxes[:, 2:] - boxes[:, :2]
    reach = np.maximum(3.0, sides * (HALVED if name in ONEVISION else 0.35))
    top, left, bottom, right = height // 2, 0, height, (width + 1) // 2
    for painted in range(len(frames)):
        other = [frame.copy() for frame in frames]
        other[painted][top:bottom, left:right] = 255 - other[painted][top:bottom, left:right]
        after, _ = received(model, other)
        changed = (after - before).abs().amax(-1).numpy() > 1e-5
        then = (spans[:, 0] <= painted) & (painted < spans[:, 1])
        near = (boxes[:, 0] < right + reach[:, 0]) & (boxes[:, 3] > top - reach[:, 1])
        seen = (boxes[:, 2] <= right) & (boxes[:, 1] >= top) & (boxes[:, 1] < height)
        assert not (changed & ~then).any(), "tokens of another time changed"
        assert not (changed & then & ~near).any(), "tokens far from the paint changed"
        assert changed[then & seen].all() and (then & seen).any()
        assert not changed[then].all()


@each_family
def test_maps_of_every_step_cover_the_frame(name: str) -> None:
    _, tokens = received(model_of(name), random_frames(3, 101, 67))
    steps = [tokens.of_image(image)[0] for image in range(tokens.images)]
    assert [step.views[0].frames for step in steps] == (
        [(0, 2), (2, 3)] if name in QWEN else [(0, 1), (1, 2), (2, 3)]
    )
    for step in steps:
        assert step.image_size == (101, 67)
        painted = step.to_pixels(np.ones(len(step.image_positions)), "nearest")
        if name in CROPPED:  # all of the middle square, and nothing beside it
            top, bottom = (101 - 67) // 2, (101 + 67) // 2
            assert (painted[top + 1 : bottom - 1] > 0).all()
            assert (painted[: top - 1] == 0).all() and (painted[bottom + 1 :] == 0).all()
            continue
        unseen = (painted == 0).mean()
        assert unseen < (0.3 if name == "onevision-odd" else 1e-9)


def test_max_side_makes_frames_smaller_and_keeps_their_pixels() -> None:
    whole = made("qwen2-vl")
    model = LoadedModel(
        whole.id, whole.revision, whole.hf, whole.processor, whole.family, whole.card, max_side=100
    )
    frames = random_frames(2, 150, 200)
    large, small = (fit_clip(each, frames, [0.0, 1.0]) for each in (whole, model))
    assert small.expansion.tokens < large.expansion.tokens
    assert [layout.x_edges[-1] for layout in small.layouts] == [200.0]
