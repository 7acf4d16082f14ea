"""What is special to PaliGemma: a prompt read both ways, its own presets, capped logits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from PIL import Image

import vlmscope as vs
from lvlms import made
from lvlms.paligemma import paligemma
from vlmscope.attention import shared_prefix
from vlmscope.errors import ModelMismatchError, UnknownNameError, UnsupportedError
from vlmscope.models import Prompt

PHRASE = "the small red circle on the left"
both = pytest.mark.parametrize("name", ["paligemma", "paligemma-2"])


def picture(height: int = 70, width: int = 110, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(40, 215, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("images", [1, 2])
@pytest.mark.parametrize("answer", [None, "a dog on the left"])
@both
def test_a_prompt_is_what_the_processor_makes(name: str, answer: str | None, images: int) -> None:
    model = made(name)
    group = [picture(seed=number) for number in range(images)]
    encoded = model.encode([group], [Prompt(PHRASE, answer=answer)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its labels, which are not needed
        theirs = model.processor(
            images=[[Image.fromarray(image) for image in group]],
            text=["<image>" * images + PHRASE],
            suffix=None if answer is None else [answer],
            return_tensors="pt",
        )
    theirs.pop("labels")
    ours = {key: encoded.inputs[key] for key in theirs}
    if answer is not None:  # theirs ends in <eos>, ours in the answer
        theirs = {**theirs, **{key: theirs[key][:, :-1] for key in theirs if key != "pixel_values"}}
    count = encoded.length
    assert encoded.inputs["position_ids"].tolist() == [list(range(1, count + 1))]  # the model's own
    for key, tensor in theirs.items():
        torch.testing.assert_close(ours[key], tensor.to(ours[key].dtype), atol=0, rtol=0)
    with torch.no_grad():
        expected = model.hf(**theirs).logits[:, -1]
    out = vs.prefill(model, [group], Prompt(PHRASE, answer=answer))
    torch.testing.assert_close(out.logits, expected, atol=1e-5, rtol=0)


def test_presets_write_the_prompt_as_it_was_trained() -> None:
    model = made("paligemma")
    prompt = Prompt("where is the red circle ?", phrase=(9, 23))
    assert model.write(prompt).text == "<image><bos>where is the red circle ?\n"
    assert model.write(prompt, "detect").text == "<image><bos>detect the red circle\n"
    tokens = vs.token_map(model, picture(), prompt, preset="detect")
    assert [tokens.tokens[at] for at in tokens.positions("phrase")] == ["the", "red", "circle"]
    assert tokens.tokens[-1] == "\n" and len(tokens.positions("system")) == 0
    with pytest.raises(UnknownNameError, match="plain"):
        model.write(prompt, "chat")


@both
def test_image_and_prompt_attend_to_each_other_and_answers_are_causal(name: str) -> None:
    model = made(name)
    prompt = Prompt(PHRASE, answer="a dog")
    tokens = vs.token_map(model, picture(), prompt)
    with vs.capture(model, rows=list(range(len(tokens))), keys="all") as trace:
        vs.prefill(model, picture(), prompt)
    image, text = tokens.positions("image"), tokens.positions("text")
    answer = tokens.positions("generated")
    assert trace.maps[:, :, image][..., text].sum(-1).min() > 0
    assert trace.maps[:, :, : answer[0]][..., answer].max() == 0.0
    assert trace.maps[:, :, answer[0], answer[1]].max() == 0.0
    # so an answer changes nothing before it
    with vs.capture(model, rows=list(range(answer[0])), keys="all") as alone:
        vs.prefill(model, picture(), PHRASE)
    short = trace.maps[:, :, : answer[0], : answer[0]]
    torch.testing.assert_close(alone.maps, short, atol=1e-5, rtol=0)


@pytest.mark.parametrize("edge", [("query", "image"), ("image", "query"), ("phrase", "phrase")])
@both
def test_a_knockout_in_either_direction_equals_an_eager_reference(
    name: str, edge: tuple[str, str]
) -> None:
    model = made(name)
    layers, rows = [0, 2], [3, 20, 30, -1]
    with vs.capture(model, rows=rows, keys="all") as trace:
        clean = vs.prefill(model, picture(), PHRASE)
    with vs.capture(model, rows=rows, keys="all") as trace:
        with vs.knockout(model, [edge], layers=layers):
            out = vs.prefill(model, picture(), PHRASE)
    tokens = trace.token_map
    of, at = (tokens.positions(role) for role in edge)

    def block(module: torch.nn.Module, args: tuple, kwargs: dict) -> tuple:
        mask = kwargs["attention_mask"].clone()
        assert (mask[0, 0, : len(tokens)] == 0).all(), "the whole prompt is open to itself"
        mask[:, :, at[:, None], of[None]] = torch.finfo(mask.dtype).min
        return args, {**kwargs, "attention_mask": mask}

    hooks = [model.layers[at].register_forward_pre_hook(block, with_kwargs=True) for at in layers]
    kernel = model.decoder.config._attn_implementation
    model.decoder.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            inputs = model.encode([picture()], [PHRASE]).inputs
            expected = model.hf(**inputs, output_attentions=True)
    finally:
        model.decoder.set_attn_implementation(kernel)
        for hook in hooks:
            hook.remove()
    torch.testing.assert_close(out.logits, expected.logits[:, -1], atol=1e-4, rtol=0)
    maps = torch.stack([each[0][:, rows] for each in expected.attentions])
    torch.testing.assert_close(trace.maps, maps, atol=1e-4, rtol=0)
    assert (out.logits - clean.logits).abs().max() > 1e-4, "this direction should carry something"


def test_no_image_prefix_is_shared() -> None:
    with pytest.raises(UnsupportedError, match="'paligemma' lets the image see the text"):
        shared_prefix(made("paligemma"), picture())


def test_the_second_runs_eagerly_because_its_logits_are_capped() -> None:
    model = made("paligemma-2")
    assert model.decoder.config._attn_implementation == "eager"
    with vs.capture(model, rows="phrase") as capped:
        vs.prefill(model, picture(), PHRASE)
    assert model.decoder.config._attn_implementation == "eager"
    modules = [layer.self_attn for layer in model.layers]
    for module in modules:
        module.attn_logit_softcapping = None
    try:
        with vs.capture(model, rows="phrase") as plain:
            vs.prefill(model, picture(), PHRASE)
    finally:
        for module in modules:
            module.attn_logit_softcapping = 2.0
    # logits between -2 and 2: no key can be e^4 times as likely as another
    ratios = [(each.maps.amax(-1) / each.maps.amin(-1)).max() for each in (capped, plain)]
    assert 20 < ratios[0] < np.exp(4.0) * (1 + 1e-4) < 1000 < ratios[1]


@pytest.mark.parametrize("placement", ["processor", "pad"])
def test_placements_say_where_the_square_lies(placement: str) -> None:
    tokens = vs.token_map(made("paligemma"), picture(80, 160), PHRASE, placement=placement)
    (view,) = tokens.views
    edges = {"processor": [0.0, 80.0], "pad": [-40.0, 120.0]}[placement]
    assert view.y_edges[[0, -1]].tolist() == edges
    assert view.x_edges[[0, -1]].tolist() == [0.0, 160.0]
    assert tokens.placement == {"processor": "squash", "pad": "pad"}[placement]


def test_its_own_boxes_are_read_with_y_first() -> None:
    model = made("paligemma")
    tokens = vs.token_map(model, picture(80, 160), "pizza")
    answer = model.read_answer("<loc0256><loc0512><loc0512><loc0768> pizza", tokens)
    assert answer.boxes[0].box == (80.0, 20.0, 120.0, 40.0)


def test_a_processor_that_does_not_belong_is_refused() -> None:
    with pytest.raises(ModelMismatchError, match="writes 16 image tokens.* makes 25"):
        paligemma(tokens=16)
    model = made("paligemma")
    images = model.processor.image_processor
    size = images.size
    try:
        images.size = {"height": 84, "width": 84}
        with pytest.raises(ModelMismatchError, match="84x84 pixels.*takes 70x70"):
            vs.from_pretrained_model(model.hf, model.processor, name="larger")
    finally:
        images.size = size
