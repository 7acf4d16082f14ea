"""LLaVA: roles by ids and offsets, prompts as published, and every mismatch refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import vlmscope as vs
from families import llava
from vlmscope.errors import (
    BadPhraseError,
    ModelLoadError,
    ModelMismatchError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.models import Prompt, from_pretrained_model
from vlmscope.types import Role

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)


def words(tokens: vs.TokenMap, role: str) -> list[str]:
    return [tokens.tokens[p] for p in tokens.positions(role)]


def test_the_papers_prompt_ends_in_the_expression() -> None:
    tokens = vs.token_map(llava(), IMAGE, "the pizza .", preset="paper")
    assert words(tokens, "phrase") == ["the", "pizza", "."]
    assert tokens.tokens[-1] == "."
    assert words(tokens, "system")[:3] == ["<bos>", "A", "chat"]
    assert "USER" not in tokens.tokens and "ASSISTANT" not in tokens.tokens
    assert len(tokens.positions("image")) == 16
    assert np.array_equal(tokens.positions("image"), tokens.image_positions)


def test_the_chat_template_keeps_the_phrase_apart_from_its_tail() -> None:
    tokens = vs.token_map(llava(), IMAGE, "the pizza", preset="chat")
    assert words(tokens, "phrase") == ["the", "pizza"]
    assert words(tokens, "query") == ["the", "pizza", "ASSISTANT", ":"]
    assert words(tokens, "system") == ["<bos>", "USER", ":"]


@pytest.mark.parametrize("preset", ["paper", "chat"])
def test_ids_equal_those_of_the_processor_itself(preset: str) -> None:
    from PIL import Image

    model = llava()
    written = model.write("the small red circle", preset)
    expected = model.processor(
        images=Image.fromarray(IMAGE),
        text=written.text,
        return_tensors="pt",
        add_special_tokens=written.add_special_tokens,
    )["input_ids"]
    found = model.encode([IMAGE], ["the small red circle"], preset=preset).inputs["input_ids"]
    assert torch.equal(found, expected)


def test_a_phrase_that_repeats_words_of_the_template_is_still_found() -> None:
    tokens = vs.token_map(llava(), IMAGE, "user", preset="chat")
    assert words(tokens, "phrase") == ["user"]
    assert tokens.positions("phrase")[0] > tokens.positions("image")[-1]


def test_a_part_of_the_text_can_be_the_phrase() -> None:
    text = "what colour is the red circle ?"
    start = text.index("the red")
    prompt = Prompt(text, phrase=(start, text.index(" ?")))
    for preset in ("paper", "chat"):
        tokens = vs.token_map(llava(), IMAGE, prompt, preset=preset)
        assert words(tokens, "phrase") == ["the", "red", "circle"]
        assert words(tokens, "query")[:3] == ["what", "colour", "is"]


def test_surrounding_space_is_no_part_of_the_phrase() -> None:
    plain = vs.token_map(llava(), IMAGE, "the dog")
    spaced = vs.token_map(llava(), IMAGE, "  the dog \n")
    assert words(plain, "phrase") == words(spaced, "phrase") == ["the", "dog"]


def test_answers_are_generated_tokens() -> None:
    tokens = vs.token_map(
        llava(), IMAGE, Prompt("what is it ?", answer="a red star"), preset="chat"
    )
    assert words(tokens, "generated") == ["a", "red", "star"]
    assert tokens.roles[-1] == Role.GENERATED


def test_words_outside_the_vocabulary_are_noted() -> None:
    tokens = vs.token_map(llava(), IMAGE, "the 🍕 עגול unicorn")
    assert "unicorn" in tokens.notes[0]
    assert not vs.token_map(llava(), IMAGE, "the red circle").notes


@pytest.mark.parametrize("phrase", ["", "   ", "\n\t"])
def test_an_empty_phrase_is_refused(phrase: str) -> None:
    with pytest.raises(BadPhraseError, match="empty"):
        vs.token_map(llava(), IMAGE, phrase)


def test_a_phrase_longer_than_the_context_is_refused_with_the_numbers() -> None:
    with pytest.raises(BadPhraseError, match=r"5046 tokens, more than the 512"):
        vs.token_map(llava(), IMAGE, "red " * 5000)


def test_the_image_token_in_a_phrase_is_refused() -> None:
    with pytest.raises(BadPhraseError, match="<image>"):
        vs.token_map(llava(), IMAGE, "the <image> circle")


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(BadPhraseError, match="surrogate"):
        vs.token_map(llava(), IMAGE, "the red \ud83c circle")


@pytest.mark.parametrize("span", [(3, 3), (0, 99), (5, 2), (-1, 2)])
def test_a_span_that_names_no_text_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(BadPhraseError, match="span"):
        Prompt("the dog", phrase=span)


def test_an_unknown_preset_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="paper"):
        vs.token_map(llava(), IMAGE, "pizza", preset="papper")


def test_a_missing_chat_template_says_so() -> None:
    model = llava()
    model.processor.chat_template = None
    with pytest.raises(UnsupportedError, match="no chat template"):
        vs.token_map(model, IMAGE, "pizza", preset="chat")


def test_the_kept_class_token_lies_on_no_grid() -> None:
    tokens = vs.token_map(llava(strategy="full"), IMAGE, "pizza")
    assert len(tokens.positions("image")) == 17
    assert len(tokens.image_positions) == 16
    assert tokens.image_positions[0] == tokens.positions("image")[0] + 1


def received(model: vs.models.LoadedModel, image: np.ndarray) -> torch.Tensor:
    """What the decoder receives in place of the image: float (tokens, hidden)."""
    seen: list[torch.Tensor] = []
    hook = model.decoder.register_forward_pre_hook(
        lambda module, args, kwargs: seen.append(kwargs["inputs_embeds"]), with_kwargs=True
    )
    tokens = vs.prefill(model, image, "pizza", stop_after=0).token_map
    hook.remove()
    return seen[0][0, tokens.image_positions]


def test_the_claimed_image_token_holds_the_embedding_of_its_patch() -> None:
    # painting one cell changes exactly that token's input when attention cannot mix: cut the tower
    model = llava()
    for layer in model.hf.model.vision_tower.encoder.layers:
        for part in (layer.self_attn.out_proj, layer.mlp.fc2):
            part.weight.data.zero_()
            part.bias.data.zero_()
    square = np.full((56, 56, 3), 100, dtype=np.uint8)
    tokens = vs.token_map(model, square, "pizza")
    before = received(model, square)
    for cell in (0, 5, 11):
        x0, y0, x1, y1 = tokens.views[0].boxes[cell].astype(int)
        painted = square.copy()
        painted[y0:y1, x0:x1] = 250
        after = received(model, painted)
        changed = (after - before).abs().amax(-1) > 1e-5
        assert changed.nonzero().flatten().tolist() == [cell]


def test_a_processor_of_another_grid_is_refused_with_both_numbers() -> None:
    model, other = llava(), llava(side=84)
    with pytest.raises(ModelMismatchError, match="6x6 image tokens.*4x4"):
        from_pretrained_model(model.hf, other.processor)


def test_a_processor_with_another_image_token_is_refused() -> None:
    model = llava()
    model.hf.config.image_token_id = 7
    with pytest.raises(ModelMismatchError, match="id 4.*id 7"):
        from_pretrained_model(model.hf, model.processor)


def test_a_processor_without_tokenizer_is_refused() -> None:
    model = llava()
    with pytest.raises(ModelMismatchError, match="no image_processor"):
        from_pretrained_model(model.hf, model.processor.tokenizer)


def test_a_model_of_another_kind_is_refused_with_the_covered_types() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, vocab_size=8
    )
    with pytest.raises(UnsupportedError, match="'llama'.*Covered: .*llava"):
        from_pretrained_model(LlamaForCausalLM(config), llava().processor)
    with pytest.raises(ModelLoadError, match="str"):
        from_pretrained_model("a string", llava().processor)


def test_an_unknown_vision_tower_is_refused() -> None:
    model = llava()
    model.hf.config.vision_config.model_type = "dinov2"
    with pytest.raises(UnsupportedError, match="dinov2"):
        from_pretrained_model(model.hf, model.processor)


def test_saved_and_loaded_again_it_gives_the_same_rows(tmp_path) -> None:
    model = llava()
    model.hf.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    loaded = vs.load(str(tmp_path), dtype="float32", device="cpu")
    assert loaded.family.id == "llava"
    assert loaded.revision and loaded.revision.startswith("sha256:")
    with vs.capture(model) as first:
        vs.prefill(model, IMAGE, "the dog")
    with vs.capture(loaded) as second:
        vs.prefill(loaded, IMAGE, "the dog")
    torch.testing.assert_close(first.maps, second.maps, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("tiny-lava", UnknownNameError, "tiny-llava"),
        ("./no/such/folder", UnknownNameError, "existing folder"),
        ("/no/such", UnknownNameError, "existing folder"),
        ("owner/model", ModelLoadError, "cannot be reached|not in the local cache"),
    ],
)
def test_bad_names(name: str, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        vs.load(name)


def test_a_folder_without_a_checkpoint_is_refused(tmp_path) -> None:
    with pytest.raises(ModelLoadError, match=r"config.json"):
        vs.load(str(tmp_path))
    (tmp_path / "config.json").write_text("{nonsense")
    with pytest.raises(ModelLoadError, match="could not be loaded"):
        vs.load(str(tmp_path))


def test_bad_dtype_and_device(tmp_path) -> None:
    model = llava()
    model.hf.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    with pytest.raises(UnknownNameError, match="float16"):
        vs.load(str(tmp_path), dtype="float61")
    with pytest.raises(UnknownNameError, match="cuda"):
        vs.load(str(tmp_path), device="gpu")
    if not torch.cuda.is_available():
        with pytest.raises(ModelLoadError, match="no CUDA"):
            vs.load(str(tmp_path), device="cuda")
