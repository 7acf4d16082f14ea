"""Families that cut images into tiles: placement to the pixel, batches, answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import vlmscope as vs
from lvlms import builds, made
from vlmscope.models import LoadedModel
from vlmscope.models.layout.tiles import Tile, stretched_layouts

PHRASE = "the red circle"
HEADS = [(1, 1), (2, 0), (2, 5)]
NAMES = ["internvl", "llava-next", "llava-onevision", "ovis2", "vipllava"]


def picture(height: int = 60, width: int = 170, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


# -- to the pixel ------------------------------------------------------------------------

# (height, width) that is cut into tiles as it is: no resampling between original and tokens
UNRESAMPLED = {
    "llava-next": (84, 112),
    "llava-next-gaps": (70, 90),
    "llava-onevision": (112, 136),
    "llava-onevision-gaps": (135, 90),
    "internvl": (112, 168),
    "internvl-gaps": (120, 60),
    "ovis2": (112, 112),
    "ovis2-gaps": (120, 60),
}


@pytest.fixture(scope="module")
def quieted() -> dict[str, LoadedModel]:
    models = {}
    for name in UNRESAMPLED:
        models[name] = builds()[name].make()
        builds()[name].quiet(models[name])
    return models


def received(model: LoadedModel, images: list[np.ndarray]) -> tuple[torch.Tensor, vs.TokenMap]:
    """What the decoder receives, float (positions, hidden), and the token map."""
    seen: list[torch.Tensor] = []

    def keep(module: torch.nn.Module, args: tuple, kwargs: dict) -> None:
        seen.append(kwargs["inputs_embeds"].detach().clone())

    hook = model.decoder.register_forward_pre_hook(keep, with_kwargs=True)
    try:
        out = vs.prefill(model, [images], PHRASE, stop_after=0)
    finally:
        hook.remove()
    return seen[0][0], out.token_map


def blocks(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Small rectangles everywhere, the seams and the corners of every tile among them: xyxy."""
    height, width = size
    tops = [*range(0, height - 2, 13), height - 2]
    lefts = [*range(0, width - 2, 13), width - 2]
    chosen = np.random.default_rng(0).permutation([(y, x) for y in tops for x in lefts])[:24]
    return [(int(x), int(y), int(x) + 2, int(y) + 2) for y, x in chosen]


@pytest.mark.parametrize("name", list(UNRESAMPLED))
def test_tiles_that_are_not_resampled_are_placed_to_the_pixel(
    name: str, quieted: dict[str, LoadedModel]
) -> None:
    model, size = quieted[name], UNRESAMPLED[name]
    plain = picture(*size)
    before, tokens = received(model, [plain])
    (tiles,) = [view for view in tokens.views if view.name == "tiles"]
    boxes = tiles.boxes
    lit = 0
    for x0, y0, x1, y1 in blocks(size):
        painted = plain.copy()
        painted[y0:y1, x0:x1] = 255 - painted[y0:y1, x0:x1]
        after, _ = received(model, [painted])
        changed = (after - before).abs().amax(-1).numpy()[tiles.positions] > 1e-6
        touched = (boxes[:, 0] < x1) & (boxes[:, 2] > x0) & (boxes[:, 1] < y1) & (boxes[:, 3] > y0)
        if not name.endswith("gaps"):
            assert changed.tolist() == touched.tolist()
        assert not (changed & ~touched).any()
        lit += int(changed.sum())
    assert lit > 12


@pytest.mark.parametrize("name", ["llava-onevision-gaps", "internvl-gaps", "ovis2-gaps"])
def test_pixels_that_patches_do_not_reach_change_no_tile(
    name: str, quieted: dict[str, LoadedModel]
) -> None:
    model, size = quieted[name], UNRESAMPLED[name]
    side, used = {"llava-onevision-gaps": (45, 42), "internvl-gaps": (60, 56)}.get(name, (60, 56))
    y, x = (np.arange(length) % side >= used for length in size)
    gap = y[:, None] | x[None, :]
    plain = picture(*size)
    painted = np.where(gap[..., None], 255 - plain, plain)
    before, tokens = received(model, [plain])
    after, _ = received(model, [painted])
    (tiles,) = [view for view in tokens.views if view.name == "tiles"]
    torch.testing.assert_close(after[tiles.positions], before[tiles.positions], atol=0, rtol=0)
    # the last tokens of a tile reach to the next tile; behind the last tile nothing is claimed
    assert tiles.y_edges[-1] == size[0] - (side - used)
    assert tiles.x_edges[-1] == size[1] - (side - used)


def test_onevision_pads_several_images_to_squares(quieted: dict[str, LoadedModel]) -> None:
    model = quieted["llava-onevision"]
    first, second = picture(60, 160), picture(56, 28, seed=1)
    before, tokens = received(model, [first, second])
    assert [view.name for view in tokens.views] == ["image", "image"]
    view = tokens.views[1]
    assert view.grid == (4, 4)
    np.testing.assert_allclose(view.y_edges, [0, 14, 28, 42, 56])
    np.testing.assert_allclose(view.x_edges, [-14, 0, 14, 28, 42])
    for row in range(4):
        for column in (1, 2):
            painted = second.copy()
            painted[14 * row : 14 * row + 14, 14 * (column - 1) : 14 * column] = 0
            after, _ = received(model, [first, painted])
            changed = (after - before).abs().amax(-1).numpy() > 1e-6
            assert np.flatnonzero(changed).tolist() == [view.positions[4 * row + column]]


def test_a_batch_of_onevision_mixes_one_image_and_several() -> None:
    model = made("llava-onevision")
    a, b, c = picture(60, 160), picture(110, 70, seed=1), picture(40, 40, seed=2)
    with vs.capture(model) as together:
        batch = vs.prefill(model, [a, [b, c], [c]], [PHRASE, "pizza", "a dog"])
    for item, (images, prompt) in enumerate([([a], PHRASE), ([b, c], "pizza"), ([c], "a dog")]):
        with vs.capture(model) as alone:
            single = vs.prefill(model, [images], prompt)
        torch.testing.assert_close(batch.logits[item], single.logits[0], atol=1e-4, rtol=0)
        width = alone.maps.shape[-1]
        torch.testing.assert_close(together.of(item)[..., :width], alone.maps, atol=1e-5, rtol=0)


# -- beside the pixels ------------------------------------------------------------------


def test_tokens_of_tiles_are_put_in_row_order() -> None:
    tile = Tile(side=28, cells=2, step=14)
    # two tiles side by side: 0 1 | 4 5 over 2 3 | 6 7
    assert tile.order(1, 2).tolist() == [0, 1, 4, 5, 2, 3, 6, 7]
    assert tile.order(2, 1).tolist() == list(range(8))
    assert Tile(side=30, cells=2, step=14).edges(2).tolist() == [0, 14, 30, 44, 58]
    first, second = stretched_layouts((60, 90), tile, (2, 3), thumbnail_first=True)
    assert (first.name, second.name) == ("thumbnail", "tiles")
    assert first.offsets.tolist() == [0, 1, 2, 3] and second.offsets.min() == 4
    assert second.y_edges.tolist() == [0, 15, 30, 45, 60]


# -- used as users do --------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_grounding_gives_maps_of_the_image_and_answers_are_watched(name: str) -> None:
    model = made(name)
    both = vs.ground(model, picture(), ["a dog", "pizza"], method="localization-heads", heads=HEADS)
    assert [each.heatmap.shape for each in both] == [(60, 170)] * 2
    assert not np.array_equal(both[0].score_map, both[1].score_map)
    words = model.processor.tokenizer
    stop = sorted({*words.all_special_ids, *words.added_tokens_decoder})
    options = {"suppress_tokens": stop, "min_new_tokens": 4, "max_new_tokens": 4}
    with vs.capture(model, rows="generated") as trace:
        answer = vs.generate(model, picture(), "a dog", **options)
    assert trace.maps.shape[2] == len(answer.ids) == 4


def test_a_strip_narrower_than_a_patch_is_no_crop() -> None:
    model = made("llava-onevision-gaps")
    tokens = vs.token_map(model, picture(), PHRASE)
    assert 0.005 < tokens.unseen_fraction < 0.05
    found = vs.ground(model, picture(), "a dog", heads=HEADS)
    assert not any("did not see" in warning for warning in found.warnings)


def test_an_image_too_narrow_for_a_row_of_tokens_is_its_thumbnail() -> None:
    model = made("llava-next")
    tokens = vs.token_map(model, picture(1, 400), PHRASE)
    assert [view.name for view in tokens.views] == ["thumbnail"]
    assert tokens.to_pixels(np.ones(len(tokens.image_positions))).shape == (1, 400)
    assert vs.prefill(model, picture(1, 400), PHRASE).logits is not None


def test_smaller_images_make_fewer_tiles_of_the_same_original() -> None:
    model = made("internvl")
    small = replace(model, max_side=60)
    image = picture(56, 336)
    many, few = vs.token_map(model, image, PHRASE), vs.token_map(small, image, PHRASE)
    assert few.image_size == many.image_size == (56, 336)
    for view in few.views:
        np.testing.assert_allclose(view.x_edges[[0, -1]], [0, 336])
        np.testing.assert_allclose(view.y_edges[[0, -1]], [0, 56])


def test_ovis2_names_what_stands_between_tiles() -> None:
    model = made("ovis2")
    tokens = vs.token_map(model, picture(112, 112), PHRASE)
    roles = tokens.positions("image")
    words = [tokens.tokens[position] for position in roles]
    assert words[0] == "<IMG_START>" and words[-1] == "<IMG_END>"
    assert words.count("<IMG_COL>") == 2 and words.count("<IMG_ROW>") == 1
    assert words.count("<IMG_ATOM>") == len(tokens.image_positions) == len(roles) - 6
    assert "<image>" not in tokens.tokens


@pytest.mark.parametrize("size", [(56, 168), (168, 56), (112, 168)])
def test_ovis2_follows_the_tiles_that_its_processor_made(size: tuple[int, int]) -> None:
    model = made("ovis2")
    image = picture(*size)
    rows, columns = model.processor.image_processor(images=[image])["grids"][0]
    _, tiles = vs.token_map(model, image, PHRASE).views
    assert tiles.grid == (4 * rows, 4 * columns) and rows * columns > 1
    np.testing.assert_allclose(np.diff(tiles.y_edges), size[0] / rows / 4)
    np.testing.assert_allclose(np.diff(tiles.x_edges), size[1] / columns / 4)


def test_internvl_asks_for_boxes_and_reads_them_in_thousandths() -> None:
    model = made("internvl")
    tokens = vs.token_map(model, picture(60, 170), PHRASE)
    answer = model.read_answer("<ref>a dog</ref><box>[[100, 200, 500, 1000]]</box>", tokens)
    assert [found.box for found in answer.boxes] == [pytest.approx((17, 12, 85, 60))]
    assert model.boxes.prompt("a dog").text.endswith("<ref>a dog</ref>")
