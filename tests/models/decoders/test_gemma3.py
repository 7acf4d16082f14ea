"""What is special to Gemma 3: images that attend to themselves both ways, windows, crops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import vlmscope as vs
from lvlms import made
from lvlms.gemma3 import CROPS, gemma3
from vlmscope.errors import ModelMismatchError, UnsupportedError

PHRASE = "the small red circle on the left"


def picture(height: int = 70, width: int = 110, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


def all_rows(model: vs.models.LoadedModel, images: list[np.ndarray]) -> vs.attention.Trace:
    count = len(vs.token_map(model, [images], PHRASE))
    with vs.capture(model, rows=list(range(count)), keys="all") as trace:
        vs.prefill(model, [images], PHRASE)
    return trace


def test_tokens_of_an_image_attend_to_each_other_and_to_nothing_later() -> None:
    trace = all_rows(made("gemma3"), [picture(), picture(seed=1)])
    first, second = (
        trace.token_map.image_positions[trace.token_map.of_image(number)[1]] for number in (0, 1)
    )
    assert trace.maps[:, :, first[0], first[1:]].min() > 0
    assert trace.maps[:, :, second[0], second[1:]].min() > 0
    for image in (first, second):
        assert trace.maps[:, :, image][..., image[-1] + 1 :].max() == 0.0
    before = trace.maps[:, :, : first[0]]
    assert torch.count_nonzero(torch.triu(before[0, 0][:, : first[0]], 1)) == 0


def test_layers_with_a_window_do_not_look_further_back() -> None:
    trace = all_rows(made("gemma3-window"), [picture()])
    last = len(trace.token_map) - 1
    assert last > 24
    for layer, reach in ((0, 24), (1, last + 1), (2, 24)):
        seen = (trace.maps[layer, :, last] > 0).any(0).nonzero().flatten()
        assert seen.tolist() == list(range(last + 1 - reach, last + 1))


def test_a_knockout_inside_the_image_equals_an_eager_reference() -> None:
    model = made("gemma3")
    tokens = vs.token_map(model, picture(), PHRASE)
    image = tokens.image_positions
    sources, targets = image[8:].tolist(), image[:8].tolist()  # back in the sequence
    with vs.knockout(model, [(sources, targets)], layers=[0, 1]):
        out = vs.prefill(model, picture(), PHRASE)

    def block(module: torch.nn.Module, args: tuple, kwargs: dict) -> tuple:
        mask = kwargs["attention_mask"].clone()
        mask[:, :, image[:8, None], image[None, 8:]] = torch.finfo(mask.dtype).min
        return args, {**kwargs, "attention_mask": mask}

    hooks = [model.layers[at].register_forward_pre_hook(block, with_kwargs=True) for at in (0, 1)]
    model.decoder.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            expected = model.hf(**model.encode([picture()], [PHRASE]).inputs).logits[:, -1]
    finally:
        model.decoder.set_attn_implementation("sdpa")
        for hook in hooks:
            hook.remove()
    torch.testing.assert_close(out.logits, expected, atol=1e-4, rtol=0)
    clean = vs.prefill(model, picture(), PHRASE).logits
    assert (out.logits - clean).abs().max() > 1e-4


@pytest.mark.parametrize("shape", [(90, 200), (200, 90), (100, 101)])
def test_crops_are_those_of_the_processor(shape: tuple[int, int]) -> None:
    model = made("gemma3")
    image = picture(*shape)
    images = model.processor.image_processor
    crops = {name: value for name, value in CROPS.items() if name != "do_pan_and_scan"}
    before = model.processor.images_kwargs
    model.processor.images_kwargs = {**before, **crops}
    try:
        encoded = model.encode([image], [PHRASE], placement="pan-and-scan")
        content = [{"type": "image"}, {"type": "text", "text": PHRASE}]
        text = model.processor.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        theirs = model.processor(
            images=[[Image.fromarray(image)]],
            text=[text],
            do_pan_and_scan=True,
            return_tensors="pt",
        )
    finally:
        model.processor.images_kwargs = before
    assert images.do_pan_and_scan is None
    for name in ("input_ids", "pixel_values", "token_type_ids"):
        torch.testing.assert_close(encoded.inputs[name], theirs[name], atol=0, rtol=0)
    views = encoded.token_maps[0].views
    if shape == (100, 101):  # not long enough
        assert [view.name for view in views] == ["image"]
        return
    whole, tiles = views
    assert (whole.name, tiles.name) == ("thumbnail", "tiles")
    long = tiles.x_edges if shape[1] > shape[0] else tiles.y_edges
    assert tiles.grid == ((4, 8) if shape[1] > shape[0] else (8, 4))
    assert long[[0, 4, 8]].tolist() == [0.0, 100.0, 200.0]


def test_the_last_crop_is_what_is_left() -> None:
    model = made("gemma3-crops")
    tiles = vs.token_map(model, picture(60, 181), PHRASE).views[1]
    assert tiles.x_edges[[0, 4, 8, 12]].tolist() == [0.0, 61.0, 122.0, 181.0]


def test_a_processor_that_does_not_belong_is_refused() -> None:
    with pytest.raises(ModelMismatchError, match="writes 9 image tokens.* makes 16"):
        gemma3(tokens=9)
    model = made("gemma3")
    images = model.processor.image_processor
    size = images.size
    try:
        images.size = {"height": 84, "width": 84}
        with pytest.raises(ModelMismatchError, match="84x84 pixels.*takes 96x96"):
            vs.from_pretrained_model(model.hf, model.processor, name="smaller")
    finally:
        images.size = size
    other = made("paligemma").processor
    with pytest.raises(ModelMismatchError, match="SiglipImageProcessor.*Gemma3ImageProcessor"):
        vs.from_pretrained_model(model.hf, other, name="other")


def test_odd_configs_are_refused() -> None:
    model = made("gemma3")
    config = model.hf.config
    config.mm_tokens_per_image = 256
    try:
        with pytest.raises(ModelMismatchError, match="256 tokens per image.*12x12 patches"):
            vs.from_pretrained_model(model.hf, model.processor, name="odd")
    finally:
        config.mm_tokens_per_image = 16
    config.vision_config.model_type = "strange_vision_model"
    try:
        with pytest.raises(UnsupportedError, match="strange_vision_model.*siglip_vision_model"):
            vs.from_pretrained_model(model.hf, model.processor, name="odd")
    finally:
        del config.vision_config.model_type
