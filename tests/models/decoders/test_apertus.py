"""What is special to Apertus 1.5: codes of the list, and pictures that are too narrow."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import vlmscope as vs
from lvlms import made, waiting
from vlmscope.errors import BadImageError, ModelMismatchError
from vlmscope.models import LoadedModel

PHRASE = "the small red circle"


@pytest.fixture(params=["apertus-1.5"])
def model(request: pytest.FixtureRequest) -> LoadedModel:
    if request.param in waiting():
        pytest.skip("its images are prepared by torchvision, which is not installed")
    return made(request.param)


def test_the_decoder_reads_the_codes_in_row_order(model: LoadedModel) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (40, 64, 3), dtype=np.uint8)
    encoded = model.encode([picture], [PHRASE])
    codes = model.hf.model.get_image_tokens(
        encoded.inputs["pixel_values"], encoded.inputs["image_sizes"]
    )[0]
    seen = []
    hook = model.decoder.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs["inputs_embeds"][0]), with_kwargs=True
    )
    vs.prefill(model, picture, PHRASE)
    hook.remove()
    image = encoded.token_maps[0].image_positions
    expected = model.hf.get_input_embeddings()(codes)
    assert seen[0][image].tolist() == expected.tolist() and len(set(codes.tolist())) > 1


def test_a_picture_that_is_too_narrow_is_refused(model: LoadedModel) -> None:
    with pytest.raises(BadImageError, match="2x402 pixels.*1:200"):
        vs.token_map(model, np.zeros((2, 402, 3), np.uint8), PHRASE)


def test_a_processor_of_other_cells_is_refused(model: LoadedModel) -> None:
    processor = copy.copy(model.processor)
    processor.image_processor = copy.copy(model.processor.image_processor)
    processor.image_processor.spatial_factor = 16
    with pytest.raises(ModelMismatchError, match="spatial_factor=16.*8x8 pixels"):
        vs.from_pretrained_model(model.hf, processor)
