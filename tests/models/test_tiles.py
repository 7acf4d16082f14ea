"""Families that cut images into tiles: placement to the pixel, real settings, bad processors."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from transformers.models.llava_next.modeling_llava_next import LlavaNextModel
from transformers.models.llava_onevision.modeling_llava_onevision import LlavaOnevisionModel

import vlmscope as vs
from lvlms import builds, internvl, made
from lvlms.build import special_tokenizer
from vlmscope.errors import BadPhraseError, ModelMismatchError, UnsupportedError
from vlmscope.models import LoadedModel
from vlmscope.models.anyres import AnyresImage, anyres_image
from vlmscope.models.internvl import _arrangement
from vlmscope.models.processors import processor_without_video
from vlmscope.models.tiles import Tile, stretched_layouts

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


# -- real settings, no model -------------------------------------------------------------


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
        tiles = _arrangement(images, size, 448)
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


# -- what is refused ---------------------------------------------------------------------


def rebuilt(name: str, **changes: object) -> LoadedModel:
    """A build with other settings of its image processor or its config ("config.x", "vision.x")."""
    model = builds()[name].make()
    for key, value in changes.items():
        owner, _, field = key.rpartition("__")
        target = {
            "": model.processor,
            "images": model.processor.image_processor,
            "config": model.hf.config,
            "vision": model.hf.config.vision_config,
        }[owner]
        setattr(target, field, value)
    return vs.from_pretrained_model(model.hf, model.processor)


@pytest.mark.parametrize(
    ("name", "changes", "error", "words"),
    [
        ("llava-next", {"images__image_grid_pinpoints": [[56, 56]]}, ModelMismatchError, r"\[\[56, 56\]\]"),
        ("llava-next", {"patch_size": 7}, ModelMismatchError, "168.*44"),
        ("llava-next", {"num_additional_image_tokens": 0}, ModelMismatchError, "43.*44"),
        ("llava-next", {"images__crop_size": {"height": 28, "width": 28}}, ModelMismatchError, "56"),
        ("llava-next", {"config__vision_feature_select_strategy": "full"}, UnsupportedError, "class"),
        ("llava-next-gaps", {"config__vision_feature_select_strategy": "default"}, UnsupportedError, "patch"),
        ("llava-onevision", {"vision_aspect_ratio": "anyres_max_4"}, ModelMismatchError, "max_4.*max_9"),
        ("llava-onevision", {"config__vision_aspect_ratio": "pad"}, UnsupportedError, "'pad'"),
        ("llava-onevision", {"num_image_tokens": 25}, ModelMismatchError, "image tokens"),
        ("internvl", {"image_seq_length": 9}, ModelMismatchError, "63 image tokens.*112"),
        ("internvl", {"config__downsample_ratio": 1 / 3}, ModelMismatchError, "multiple of 3"),
        ("internvl", {"config__vision_feature_select_strategy": "full"}, UnsupportedError, "'full'"),
        ("ovis2", {"image_seq_length": 9}, ModelMismatchError, "image tokens"),
        ("ovis2", {"config__visual_indicator_token_ids": [6, 7, 9, 8, 10]}, ModelMismatchError, "IMG_COL"),
        ("ovis2", {"vision__tokenize_function": "gumbel_argmax"}, UnsupportedError, "random"),
        ("ovis2", {"vision__hidden_stride": 3}, UnsupportedError, "hidden_stride=3"),
        ("ovis2", {"images__do_center_crop": True}, ModelMismatchError, "do_center_crop"),
        ("vipllava", {"images__crop_size": {"height": 28, "width": 28}}, ModelMismatchError, "28x28"),
    ],
)  # fmt: skip
def test_what_does_not_belong_together_is_refused(
    name: str, changes: dict[str, object], error: type, words: str
) -> None:
    with pytest.raises(error, match=words):
        rebuilt(name, **changes)


@pytest.mark.parametrize("name", ["llava-next", "llava-onevision", "internvl", "ovis2"])
def test_an_image_processor_of_another_family_is_refused(name: str) -> None:
    model = builds()[name].make()
    model.processor.image_processor = transformers.CLIPImageProcessorPil()
    with pytest.raises(ModelMismatchError, match="CLIPImageProcessorPil"):
        vs.from_pretrained_model(model.hf, model.processor)


def test_an_unknown_tower_is_refused() -> None:
    model = builds()["llava-next"].make()
    model.hf.config.vision_config.model_type = "pixtral"
    with pytest.raises(UnsupportedError, match="pixtral"):
        vs.from_pretrained_model(model.hf, model.processor)


def test_resolutions_that_are_no_whole_tiles_are_refused() -> None:
    model = builds()["llava-next"].make()
    model.hf.config.image_grid_pinpoints = [[56, 100]]
    model.processor.image_processor.image_grid_pinpoints = [[56, 100]]
    with pytest.raises(ModelMismatchError, match="no multiples of its tile of 56"):
        vs.from_pretrained_model(model.hf, model.processor)


@pytest.mark.parametrize("word", ["<image>", "<IMG_ATOM>"])
def test_a_phrase_that_holds_an_image_token_is_refused(word: str) -> None:
    with pytest.raises(BadPhraseError, match=word):
        vs.prefill(made("ovis2"), picture(), f"a {word} dog")
