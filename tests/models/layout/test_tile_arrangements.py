"""Tiles at the families' real settings: counts and order as their processors and models have them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from transformers.models.llava_next.modeling_llava_next import LlavaNextModel
from transformers.models.llava_onevision.modeling_llava_onevision import LlavaOnevisionModel

from lvlms import internvl
from lvlms.build import special_tokenizer
from vlmscope.models.layout.anyres import AnyresImage, anyres_image
from vlmscope.models.layout.tiles import Tile, nearest_arrangement, stretched_layouts
from vlmscope.models.loading.processors import processor_without_video


def sizes(count: int = 150) -> list[tuple[int, int]]:
    """(height, width): photographs of all shapes, odd ones, and the edges of what can occur."""
    random = np.random.default_rng(0)
    drawn = np.exp(random.uniform(np.log(20), np.log(4000), (count, 2))).astype(int)
    odd = [(336, 336), (1, 2000), (2000, 1), (1, 1), (672, 1008), (384, 2304), (27, 4000)]
    return [*odd, *((int(height), int(width)) for height, width in drawn)]


def packed(kind: type, config: object, size: tuple[int, int]) -> np.ndarray:
    """The model's own arrangement of numbered features: (tokens,), newlines as -1.

    A feature's number is its frame * 10000 + its place in the frame.
    """
    side, patch = config.vision_config.image_size, config.vision_config.patch_size
    canvas = transformers.image_processing_utils.select_best_resolution(
        size, config.image_grid_pinpoints
    )
    frames = canvas[0] // side * (canvas[1] // side) + 1
    inner = (side // patch) ** 2
    numbers = torch.arange(frames)[:, None] * 10000 + torch.arange(inner)
    own = SimpleNamespace(config=config)
    extra = (
        {"vision_feature_select_strategy": "default"}
        if kind is LlavaNextModel
        else {"vision_aspect_ratio": config.vision_aspect_ratio}
    )
    features, _ = kind.pack_image_features(
        own,
        [numbers[..., None].double()],
        [list(size)],
        image_newline=torch.tensor([-1.0]),
        **extra,
    )
    return features[0][:, 0].numpy()


def numbered(fitted: AnyresImage) -> np.ndarray:
    """Float (rows, columns): the same numbers on the joint grid of all tiles."""
    rows, columns = fitted.tiles
    tokens = fitted.tile.order(rows, columns)
    frame, inner = np.divmod(tokens, fitted.tile.tokens)
    cells = fitted.tile.cells
    return ((frame + 1) * 10000 + inner).reshape(rows * cells, columns * cells).astype(float)


def test_llava_next_arranges_tokens_as_its_own_model_does() -> None:
    config = transformers.LlavaNextConfig()
    assert config.vision_config.image_size == 336
    processor = transformers.LlavaNextProcessor(
        image_processor=transformers.LlavaNextImageProcessorPil(
            size={"shortest_edge": 336}, crop_size={"height": 336, "width": 336}
        ),
        tokenizer=special_tokenizer(["<image>"], {"image_token": "<image>"}),
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    counts = processor._get_num_multimodal_tokens(image_sizes=sizes())["num_image_tokens"]
    for size, count in zip(sizes(), counts, strict=True):
        fitted = anyres_image(SimpleNamespace(config=config), size)
        order = packed(LlavaNextModel, config, size)
        assert fitted.tokens == count == len(order)
        first, *tiles = fitted.layouts()
        assert order[first.offsets].tolist() == list(range(576))
        assert (order == -1).sum() == fitted.grid[0]
        if not tiles:
            assert 0 in fitted.grid
            continue
        (top, bottom), (left, right) = fitted.kept
        expected = numbered(fitted)[top:bottom, left:right].reshape(-1)
        assert order[tiles[0].offsets].tolist() == expected.tolist()


def test_llava_onevision_arranges_tokens_as_its_own_model_does() -> None:
    config = transformers.LlavaOnevisionConfig()
    processor = processor_without_video(
        transformers.LlavaOnevisionProcessor,
        image_processor=transformers.LlavaOnevisionImageProcessorPil(),
        tokenizer=special_tokenizer(["<image>"], {"image_token": "<image>"}),
        num_image_tokens=729,
        vision_feature_select_strategy="full",
    )
    assert config.vision_aspect_ratio == processor.vision_aspect_ratio == "anyres_max_9"
    resampled = 0
    for size in sizes(60):
        fitted = anyres_image(SimpleNamespace(config=config), size, 9)
        count = processor._get_number_of_features(*size, 384, 384)
        order = packed(LlavaOnevisionModel, config, size)
        assert fitted.tokens == count == len(order)
        first, *tiles = fitted.layouts()
        assert order[first.offsets].tolist() == list(range(729))
        if not tiles:
            assert 0 in fitted.grid
            continue
        (top, bottom), (left, right) = fitted.kept
        expected = numbered(fitted)[top:bottom, left:right]
        if fitted.grid != expected.shape:
            resampled += 1
            scaled = torch.nn.functional.interpolate(
                torch.from_numpy(expected)[None, None], fitted.grid, mode="bilinear"
            )
            expected = scaled[0, 0].numpy()
            # equal parts of what was kept, and the same borders
            assert np.ptp(np.diff(tiles[0].x_edges)) < 0.5 * np.diff(tiles[0].x_edges).mean()
        np.testing.assert_allclose(order[tiles[0].offsets], expected.reshape(-1), rtol=1e-12)
    assert resampled > 5


def test_llava_next_rectangles_follow_the_padded_pixels() -> None:
    # 1000x666 goes into 672x672: 672x447.55 is rounded up to 448, 112 pixels of padding on each side
    config = SimpleNamespace(config=transformers.LlavaNextConfig())
    fitted = anyres_image(config, (1000, 666))
    assert fitted.canvas == (672, 672)
    _, tiles = fitted.layouts()
    assert fitted.grid == (48, 32) and len(tiles.x_edges) == 33
    np.testing.assert_allclose(tiles.y_edges, np.arange(49) * 14 * 1000 / 672)
    np.testing.assert_allclose(tiles.x_edges, np.arange(33) * 14 * 666 / 448)


@pytest.mark.parametrize("most", [1, 6, 12])
def test_internvl_makes_as_many_tokens_as_its_processor_says(most: int) -> None:
    images = transformers.GotOcr2ImageProcessorPil(
        size={"height": 448, "width": 448}, max_patches=most
    )
    processor = processor_without_video(
        transformers.InternVLProcessor,
        image_processor=images,
        tokenizer=special_tokenizer(list(internvl.NAMED.values()), internvl.NAMED),
    )
    counts = processor._get_num_multimodal_tokens(image_sizes=sizes())["num_image_tokens"]
    seen = set()
    for size, count in zip(sizes(), counts, strict=True):
        tiles = nearest_arrangement(size, 448, images.min_patches, most)
        seen.add(tiles)
        layouts = list(stretched_layouts(size, Tile(448, 16, 28), tiles, thumbnail_first=False))
        offsets = np.concatenate([layout.offsets for layout in layouts])
        # <img> and </img> are the two that are no image tokens
        assert sorted(offsets) == list(range(count - 2))
        names = [layout.name for layout in layouts]
        assert names == (["image"] if tiles == (1, 1) else ["tiles", "thumbnail"])
        for layout in layouts:
            assert (layout.y_edges[0], layout.x_edges[0]) == (0, 0)
            np.testing.assert_allclose((layout.y_edges[-1], layout.x_edges[-1]), size)
    assert (seen == {(1, 1)}) == (most == 1)
    assert most == 1 or ((1, most) in seen and (most, 1) in seen)
