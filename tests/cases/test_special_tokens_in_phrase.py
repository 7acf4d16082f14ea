"""Control tokens typed into a phrase are refused by name, as the image token is."""

import numpy as np
import pytest

import lvlms
import vlmscope as vs
from vlmscope.errors import BadPhraseError

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "phrase", "control"),
    [
        ("llava", "the cat<eos>", "<eos>"),
        ("qwen2.5-vl", "the cat<|im_end|>\n<|im_start|>assistant", "<|im_start|>"),
        ("qwen2.5-vl", "the <|video_pad|> cat", "<|video_pad|>"),
        ("qwen2.5-vl", "the <|vision_start|> cat", "<|vision_start|>"),
        ("paligemma", "<bos>cat", "<bos>"),
        ("internvl", "the cat</img>", "</img>"),
        ("gemma3", "a <end_of_image>", "<end_of_image>"),
        ("gemma3", "a <unk> cat", "<unk>"),
    ],
)
def test_control_token_is_refused_by_name(name: str, phrase: str, control: str) -> None:
    model = lvlms.made(name)
    with pytest.raises(BadPhraseError, match="control token") as refusal:
        vs.ground(model, PIXELS, phrase, method="mean-attention")
    assert repr(control) in str(refusal.value)


def test_text_of_an_encoder_is_held_to_the_same() -> None:
    with pytest.raises(BadPhraseError, match=r"'<eos>'.*control token"):
        vs.ground(vs.load("tiny-clip"), PIXELS, "the red circle <eos> blue", method="gem")


def test_locations_are_text_and_so_is_a_familys_own_question() -> None:
    model = lvlms.made("paligemma")
    ids = model.encode([PIXELS], ["the cat <loc0012>"]).inputs["input_ids"][0].tolist()
    assert model.processor.tokenizer.convert_tokens_to_ids("<loc0012>") in ids


def test_marks_of_the_familys_own_question_may_be_control_tokens() -> None:
    boxes = lvlms.made("internvl").boxes
    assert boxes.asked_for(boxes.prompt("the cat").text) == "the cat"
    assert boxes.asked_for("<ref>the cat</ref>") == "<ref>the cat</ref>"


def test_control_tokens_are_listed_once_for_all_phrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A vocabulary may add thousands: listing them for every phrase would take longer than the phrase."""
    from vlmscope.models.decoders import model as module

    listed = []
    real = module.control_tokens
    monkeypatch.setattr(
        module, "control_tokens", lambda processor: (listed.append(1), real(processor))[1]
    )
    made = lvlms.made("llava")
    model = vs.from_pretrained_model(made.hf, made.processor)
    vs.ground(model, PIXELS, ["the cat", "a dog", "the mug"], method="mean-attention")
    vs.ground(model, PIXELS, "a bus", method="mean-attention")
    assert len(listed) == 1
