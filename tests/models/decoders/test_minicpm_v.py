"""What is special to MiniCPM-V: slices of any shape, numbered images, positions on a canvas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

import vlmscope as vs
from lvlms import made
from lvlms.build import special_tokenizer
from lvlms.minicpm_v import NAMED, PATCH
from vlmscope.errors import ModelMismatchError, UnsupportedError
from vlmscope.models.decoders.minicpm_v import _check_alike
from vlmscope.models.loading.processors import processor_without_video

PHRASE = "the small red circle"


def picture(height: int = 90, width: int = 180) -> np.ndarray:
    return np.random.default_rng(0).integers(40, 215, (height, width, 3), dtype=np.uint8)


def refitted(**images: object) -> vs.models.LoadedModel:
    settings = {"patch_size": PATCH, "scale_resolution": 64, "max_slice_nums": 4, **images}
    processor = processor_without_video(
        transformers.MiniCPMV4_6Processor,
        image_processor=transformers.MiniCPMV4_6ImageProcessorPil(**settings),
        tokenizer=special_tokenizer(list(NAMED.values()), NAMED, bos=False),
    )
    return vs.from_pretrained_model(made("minicpm-v").hf, processor)


def test_the_image_comes_first_and_its_slices_make_one_grid() -> None:
    tokens = vs.token_map(made("minicpm-v"), picture(), PHRASE)
    whole, slices = tokens.views
    assert (whole.name, slices.name) == ("thumbnail", "tiles")
    assert whole.positions.max() < slices.positions.min()
    assert whole.seen((90, 180)) == slices.seen((90, 180)) == (0.0, 0.0, 180.0, 90.0)
    rows, columns = slices.grid
    assert rows * columns == len(slices.positions) > len(whole.positions)
    # tokens of a row of the grid jump from slice to slice, over </slice> and <slice>
    jumps = set(np.diff(slices.positions[:columns]).tolist()) - {1}
    assert jumps and min(jumps) > 2


@pytest.mark.parametrize("preset", ["chat", "paper"])
@pytest.mark.parametrize("name", ["minicpm-v", "minicpm-v-4.7"])
def test_images_are_numbered_within_their_prompt(name: str, preset: str) -> None:
    model = made(name)
    group = [picture(), picture(40, 40)]
    tokens = model.encode([group], [PHRASE], preset=preset).token_maps[0]
    starts = [at for at, token in enumerate(tokens.tokens) if token == "<image_id>"]
    assert [tokens.tokens[at + 1] for at in starts] == ["0", "1"]
    image = set(tokens.positions("image").tolist())
    assert set(starts) <= image and not set(starts) & set(tokens.image_positions.tolist())


def test_without_numbers_nothing_is_written_for_them() -> None:
    tokens = vs.token_map(refitted(use_image_id=False), picture(), PHRASE, preset="paper")
    assert "<image_id>" not in tokens.tokens and len(tokens.views) == 2


def test_one_newline_behind_the_image_stands_on_its_canvas() -> None:
    model = made("minicpm-v-4.7")
    encoded = model.encode([picture()], [PHRASE])
    tokens, positions = encoded.token_maps[0], encoded.inputs["position_ids"][:, 0]
    last = int(tokens.positions("image")[-1])
    assert tokens.tokens[last] == "\n"
    origin = int(positions[0, tokens.image_positions[0]])
    assert positions[:, last].tolist() == [origin] * 3
    assert int(positions[0, last + 1]) == int(positions[:, : last + 1].max()) + 1


def test_positions_follow_from_roles_and_grids_alone() -> None:
    model = made("minicpm-v-4.7")
    group = [picture(), picture(40, 40), picture(180, 60)]
    encoded = model.encode([group], [PHRASE])
    ids = encoded.inputs["input_ids"]
    blank = torch.where(ids == model.image_token_id, ids, 0)
    batch = {
        "input_ids": blank,
        "attention_mask": torch.ones_like(ids),
        "position_ids": torch.arange(ids.shape[1])[None],
    }
    found = model.family.complete_by_roles(model.hf, batch, encoded.token_maps[0])
    assert torch.equal(found["position_ids"], encoded.inputs["position_ids"])
    assert int(blank.count_nonzero()) == int((ids == model.image_token_id).sum())


def test_a_processor_that_counts_other_tokens_is_refused() -> None:
    with pytest.raises(ModelMismatchError, match="downsample_mode='4x'"):
        refitted(downsample_mode="4x")
    with pytest.raises(ModelMismatchError, match="patches of 8 pixels"):
        refitted(patch_size=8)


def test_slices_of_different_sizes_make_no_grid() -> None:
    _check_alike([(4, 4), (4, 4)])
    with pytest.raises(UnsupportedError, match=r"\[\(2, 4\), \(4, 4\)\] tokens.*'always'"):
        _check_alike([(4, 4), (2, 4)])
