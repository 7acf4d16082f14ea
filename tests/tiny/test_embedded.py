"""The shipped weights: they load the plain way, answer, and point."""

import copy
import json

import head_check
import pytest
import torch
from PIL import Image

from vlmscope.errors import UnknownNameError
from vlmscope.tiny import EMBEDDED, embedded_path, referring_samples, render_scene
from vlmscope.tiny.model.architecture import Shape
from vlmscope.tiny.model.tokenizer import build_tokenizer, vocabulary
from vlmscope.tiny.training.evaluate import answer_accuracy
from vlmscope.tiny.training.export import export_llava
from vlmscope.tiny.training.feed import normalise
from vlmscope.tiny.world.splits import HELD_OUT
from vlmscope.tiny.world.words import NUMBERS, SYSTEM


@pytest.fixture(scope="module")
def folder():
    return embedded_path("tiny-llava")


@pytest.fixture(scope="module")
def model(folder):
    from transformers import LlavaForConditionalGeneration

    return LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def processor(folder):
    from transformers import LlavaProcessor

    return LlavaProcessor.from_pretrained(folder)


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="tiny-llava"):
        embedded_path("tiny-lava")
    assert "tiny-llava" in EMBEDDED


def test_the_card_says_how_to_prompt_and_what_was_measured(folder):
    card = json.loads((folder / "vlmscope.json").read_text())
    assert card["system"] == SYSTEM
    assert card["vocabulary"] == list(vocabulary())
    assert {"seed", "steps", "images", "minutes", "device", "torch"} <= card["trained"].keys()
    for kind in ("colour", "size", "texture", "where"):
        assert card["answers"][kind]["accuracy"] >= 0.90
        assert card["answers"][kind]["asked"] >= 300
    assert card["answers"]["shape"]["accuracy"] >= 0.75


def test_weights_are_small_and_in_half_precision(folder):
    from safetensors import safe_open

    path = folder / "model.safetensors"
    assert path.stat().st_size < 9_000_000
    with safe_open(path, framework="pt") as stored:
        assert {stored.get_slice(name).get_dtype() for name in stored.keys()} == {"F16"}  # noqa: SIM118


def test_the_processor_gives_the_pixels_and_tokens_of_training(processor):
    scene = render_scene(HELD_OUT[0])
    turn = [{"type": "image"}, {"type": "text", "text": "the red circle"}]
    text = processor.apply_chat_template([{"role": "user", "content": turn}], tokenize=False)
    inputs = processor(images=Image.fromarray(scene.image), text=text, return_tensors="pt")
    expected = normalise(torch.from_numpy(scene.image)[None])
    torch.testing.assert_close(inputs["pixel_values"], expected, atol=1e-5, rtol=0)
    words = head_check.encode("the red circle", head_check.TABLE)
    assert inputs["input_ids"][0].tolist() == head_check.prefix_ids(head_check.TABLE, 256) + words
    assert processor.tokenizer.get_vocab() == build_tokenizer().get_vocab()


def test_it_answers_held_out_scenes(model):
    accuracy = answer_accuracy(model, scenes=24, seeds=HELD_OUT[5000:6000])
    for kind in ("colour", "size", "texture", "where"):
        assert accuracy[kind].accuracy >= 0.85, kind
    assert accuracy["shape"].accuracy >= 0.75


def test_generate_gives_the_answer_and_stops(model, processor):
    scene = render_scene(HELD_OUT[7])
    prompt = f"{SYSTEM} <image>\nhow many objects"
    inputs = processor(images=Image.fromarray(scene.image), text=prompt, return_tensors="pt")
    made = model.generate(**inputs)[0, inputs["input_ids"].shape[1] :]
    assert made[-1] == processor.tokenizer.eos_token_id
    answer = processor.decode(made, skip_special_tokens=True)
    assert answer in NUMBERS


def test_label_free_heads_point(model):
    """A coarse look; the figures that count come from ``vlmscope heads verify``."""
    eager = copy.deepcopy(model)
    eager.set_attn_implementation("eager")
    found = head_check.report(eager, 32)
    assert found["top3"] >= 0.75
    assert found["chance"] < 0.15


def test_half_precision_costs_nothing(model, tmp_path):
    from transformers import LlavaForConditionalGeneration

    export_llava(tmp_path / "again", model, Shape(), {})
    again = LlavaForConditionalGeneration.from_pretrained(tmp_path / "again", dtype=torch.float32)
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_a_photograph_size_goes_through_the_processor(model, processor):
    sample = next(referring_samples([3]))
    wide = Image.fromarray(sample.image).resize((300, 200))
    inputs = processor(images=wide, text=f"<image> {sample.phrase}", return_tensors="pt")
    assert inputs["pixel_values"].shape == (1, 3, 128, 128)
    with torch.no_grad():
        assert torch.isfinite(model(**inputs).logits).all()
