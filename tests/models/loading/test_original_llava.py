"""Folders in the format of the original LLaVA code give what that code computes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

import vlmscope as vs
from original_llava import INNER, PATCH, SIDE, WIDTH, Original, write_original
from vlmscope.errors import ModelLoadError, UnsupportedError
from vlmscope.models import LoadedModel
from vlmscope.models.loading.devices import WeightPlan
from vlmscope.models.loading.original_llava import OriginalLlava
from vlmscope.models.loading.sources import Source

PHRASE = "the small red circle"


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 100, 3), dtype=np.uint8)


def projected(state: dict[str, torch.Tensor], kind: str, features: torch.Tensor) -> torch.Tensor:
    """The projector by its formula, from the tensors as they are stored."""

    def part(number: str) -> tuple[torch.Tensor, torch.Tensor]:
        prefix = f"model.mm_projector.{number}"
        return state[f"{prefix}weight"], state[f"{prefix}bias"]

    if kind == "linear":
        return functional.linear(features, *part(""))
    if kind == "mlp2x_gelu":
        inner = functional.gelu(functional.linear(features, *part("0.")))
        return functional.linear(inner, *part("2."))
    if kind == "mlp2x_gelu_Norm":
        first = functional.linear(features, *part("0."))
        normed = functional.layer_norm(first, (WIDTH,), *part("1."))
        second = functional.linear(functional.gelu(normed), *part("3."))
        return functional.layer_norm(second, (WIDTH,), *part("4."))
    raise ValueError(kind)


def padded(image: np.ndarray) -> torch.Tensor:
    """The original code's picture: padded to a square of the mean colour, resized, normalised."""
    mean = np.array([0.48145466, 0.4578275, 0.40821073])
    deviation = np.array([0.26862954, 0.26130258, 0.27577711])
    side = max(image.shape[:2])
    canvas = Image.new("RGB", (side, side), tuple(int(value * 255) for value in mean))
    top, left = (side - image.shape[0]) // 2, (side - image.shape[1]) // 2
    canvas.paste(Image.fromarray(image), (left, top))
    pixels = np.asarray(canvas.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) / 255
    values = ((pixels - mean) / deviation).transpose(2, 0, 1)
    return torch.tensor(values, dtype=torch.float32)[None]


def reference(original: Original, kind: str, ids: list[int], image_token: int) -> torch.Tensor:
    """The original code's way: a LLaMA over embeddings, the image's put in the place of one token."""
    with torch.no_grad():
        states = original.tower(padded(picture()), output_hidden_states=True).hidden_states
        image = projected(original.state, kind, states[-2][:, 1:])[0]
        embed = original.llama.model.embed_tokens
        rest = iter(image)
        rows = [next(rest) if each == image_token else embed(torch.tensor(each)) for each in ids]
        return original.llama(inputs_embeds=torch.stack(rows)[None]).logits


def check_logits(model: LoadedModel, original: Original, kind: str) -> None:
    encoded = model.encode([picture()], [PHRASE])
    ids = encoded.inputs["input_ids"][0].tolist()
    token = int(model.hf.config.image_token_id)
    assert ids.count(token) == (SIDE // PATCH) ** 2
    with model.frozen():
        logits = model.hf(**encoded.inputs).logits
    expected = reference(original, kind, ids, token)
    words = original.llama.config.vocab_size
    assert token >= words
    torch.testing.assert_close(logits[..., :words], expected, atol=1e-4, rtol=0)
    assert (logits[..., words:] < logits[..., :words].max(-1, keepdim=True).values).all()


@pytest.mark.parametrize("kind", ["linear", "mlp2x_gelu", "mlp2x_gelu_Norm"])
def test_logits_are_those_of_the_original_computation(kind: str, tmp_path: Path) -> None:
    original = write_original(tmp_path, kind)
    model = vs.load(str(tmp_path), device="cpu")
    assert model.family.id == "llava" and model.id == str(tmp_path)
    check_logits(model, original, kind)


def test_a_tower_in_the_checkpoint_counts_as_in_sharegpt4v(tmp_path: Path) -> None:
    original = write_original(tmp_path, inside=True, model_type="share4v")
    assert not list((tmp_path / "tower").glob("*.safetensors"))
    model = vs.load(str(tmp_path), device="cpu")
    check_logits(model, original, "mlp2x_gelu")
    assert "+tower" not in str(model.revision)


def test_files_of_both_kinds_and_a_whole_clip_give_the_same_weights(tmp_path: Path) -> None:
    original = write_original(tmp_path, whole_clip=True, model_type="llava_llama")
    model = vs.load(str(tmp_path), device="cpu")
    check_logits(model, original, "mlp2x_gelu")
    original.state["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(4)  # older files
    original.save(pickled=True)
    again = vs.load(str(tmp_path), device="cpu", dtype="float32")
    weights = again.hf.state_dict()
    assert all(torch.equal(each, weights[key]) for key, each in model.hf.state_dict().items())
    assert str(model.revision).partition("+")[2] == str(again.revision).partition("+")[2] != ""


def test_weights_become_what_is_asked_for(tmp_path: Path) -> None:
    original = write_original(tmp_path)
    for key, value in original.state.items():
        original.state[key] = value.half()
    original.save()
    assert vs.load(str(tmp_path), device="cpu").dtype == torch.float16  # the tower's too
    kinds = {each.dtype for each in vs.load(str(tmp_path), device="cpu").hf.parameters()}
    assert kinds == {torch.float16}
    assert vs.load(str(tmp_path), device="cpu", dtype="bfloat16").dtype == torch.bfloat16


def test_what_is_loaded_is_saved_in_the_format_of_transformers(tmp_path: Path) -> None:
    original = write_original(tmp_path / "old")
    model = vs.load(str(tmp_path / "old"), device="cpu")
    model.hf.save_pretrained(tmp_path / "new")
    model.processor.save_pretrained(tmp_path / "new")
    check_logits(vs.load(str(tmp_path / "new"), device="cpu"), original, "mlp2x_gelu")


def test_what_yi_vl_saves_is_refused_by_its_norms_and_not_read_without_them(tmp_path: Path) -> None:
    write_original(tmp_path / "old", "mlp2x_gelu_Norm")
    model = vs.load(str(tmp_path / "old"), device="cpu")
    model.hf.save_pretrained(tmp_path / "new")
    model.processor.save_pretrained(tmp_path / "new")
    with pytest.raises(ModelLoadError, match=r"multi_modal_projector\.linear_1.*parts\.0"):
        vs.load(str(tmp_path / "new"), device="cpu")


def test_prompts_are_those_of_each_model(tmp_path: Path) -> None:
    write_original(tmp_path / "llava")
    write_original(tmp_path / "yi", "mlp2x_gelu_Norm")
    llava, yi = (vs.load(str(tmp_path / name), device="cpu") for name in ("llava", "yi"))
    said = llava.write(PHRASE, "chat").text
    assert said.endswith(f"questions. USER: <image>\n{PHRASE} ASSISTANT:")
    said = yi.write(PHRASE, "chat").text
    assert said.endswith(f"\n\n### Human: <image>\n{PHRASE}\n### Assistant:")
    assert llava.write(PHRASE, "paper").text.endswith(f"questions. <image>\n{PHRASE}")


def test_a_picture_stands_between_marks_where_the_model_was_trained_so(tmp_path: Path) -> None:
    marks = ("<im_start>", "<im_end>")
    original = write_original(tmp_path, "linear", special=marks, mm_use_im_start_end=True)
    model = vs.load(str(tmp_path), device="cpu")
    check_logits(model, original, "linear")
    tokens = vs.token_map(model, picture(), PHRASE)
    first, last = tokens.image_positions[0], tokens.image_positions[-1]
    assert (tokens.tokens[first - 1], tokens.tokens[last + 1]) == marks


def test_pictures_are_cropped_where_the_configuration_does_not_pad(tmp_path: Path) -> None:
    original = write_original(tmp_path)
    assert vs.load(str(tmp_path), device="cpu").processor.image_processor.do_pad
    original.change(image_aspect_ratio=None)
    model = vs.load(str(tmp_path), device="cpu")
    assert not model.processor.image_processor.do_pad
    shown = vs.token_map(model, picture(), PHRASE, placement="processor")
    assert shown.views[0].boxes[:, 0].min() == pytest.approx(
        20, abs=1
    )  # the middle 60 of 100 columns


def test_of_the_hub_only_what_is_read_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = write_original(tmp_path)
    asked: list[str] = []

    def download(name: str, *, revision: str, allow_patterns: list[str], **more: object) -> str:
        assert (name, revision, more) == ("somebody/yi", "1" * 40, {"local_files_only": False})
        asked.extend(allow_patterns)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    source = Source("somebody/yi", revision="1" * 40, config=original.config(), files=tmp_path)
    checkpoint = OriginalLlava.of(source)
    assert checkpoint.processor.image_token == "<image>"
    assert asked == ["tower/*", "*.json", "*.model", "*.txt", "*.jinja"]
    found, hf = checkpoint.load(WeightPlan(), ())
    assert "*.safetensors" in asked and "pytorch_model*.bin" not in asked
    assert str(found.revision).startswith("1" * 40 + "+tower:sha256:")
    stored = original.state["model.mm_projector.2.bias"]
    assert torch.equal(hf.model.multi_modal_projector.linear_2.bias, stored)


# -- what is refused -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"image_aspect_ratio": "anyres"}, "LLaVA-NeXT.*llava-hf/llava-v1.6"),
        ({"mm_vision_tower_aux": "openai/x"}, "second vision tower"),
        ({"mm_projector_type": "mlp2x_res4x_gelu"}, "projector 'mlp2x_res4x_gelu'"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, r"quantised \(gptq 4-bit\)"),
    ],
)
def test_a_model_beyond_the_format_is_refused(tmp_path: Path, entries: dict, said: str) -> None:
    write_original(tmp_path).change(**entries)
    with pytest.raises(UnsupportedError, match=said):
        vs.load(str(tmp_path), device="cpu")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"mm_vision_tower": "/nowhere/clip"}, "vision tower '/nowhere/clip'"),
        ({"mm_vision_tower": "./else"}, "no config.json|vision tower './else'"),
        ({"mm_vision_tower": 3}, "mm_vision_tower: 3"),
        ({"mm_vision_select_layer": -9}, "mm_vision_select_layer: -9.*3 layers"),
        ({"mm_vision_select_feature": "all"}, "mm_vision_select_feature: 'all'"),
        ({"vocab_size": None}, "vocab_size: None"),
    ],
)
def test_a_damaged_configuration_names_its_entry(tmp_path: Path, entries: dict, said: str) -> None:
    write_original(tmp_path).change(**entries)
    with pytest.raises(ModelLoadError, match=said):
        vs.load(str(tmp_path), device="cpu")


def missing(state: dict) -> None:
    del state["model.layers.1.mlp.up_proj.weight"]


def renamed(state: dict) -> None:
    state["model.projector.0.weight"] = state.pop("model.mm_projector.0.weight")


def reshaped(state: dict) -> None:
    state["model.mm_projector.0.weight"] = torch.zeros(WIDTH, INNER + 1)


def shortened(state: dict) -> None:
    state["lm_head.weight"] = state["lm_head.weight"][:-1].clone()


def left_over(state: dict) -> None:
    state["model.image_newline"] = torch.zeros(WIDTH)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (missing, r"lacks 1 .*model\.layers\.1\.mlp\.up_proj\.weight"),
        (
            renamed,
            r"lacks 1 .*model\.mm_projector\.0\.weight.*holds 1 .*model\.projector\.0\.weight",
        ),
        (reshaped, r"model\.mm_projector\.0\.weight: 64x33 stored, 64x32 expected"),
        (shortened, r"lm_head\.weight: \d+x64 stored"),
        (left_over, r"fit nowhere.*model\.image_newline"),
    ],
)
def test_a_tensor_at_fault_is_named_as_the_files_name_it(tmp_path: Path, damage, said: str) -> None:
    original = write_original(tmp_path)
    damage(original.state)
    original.save()
    with pytest.raises(ModelLoadError, match=said):
        vs.load(str(tmp_path), device="cpu")


def test_a_part_of_a_tower_is_no_tower(tmp_path: Path) -> None:
    original = write_original(tmp_path, inside=True)
    del original.state["model.vision_tower.vision_tower.vision_model.pre_layrnorm.bias"]
    original.save()
    with pytest.raises(ModelLoadError, match=r"vision_tower\.vision_model\.pre_layrnorm\.bias"):
        vs.load(str(tmp_path), device="cpu")


def test_a_tower_of_another_kind_is_refused(tmp_path: Path) -> None:
    write_original(tmp_path)
    config = json.loads((tmp_path / "tower" / "config.json").read_text())
    config["model_type"] = "siglip_vision_model"
    (tmp_path / "tower" / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnsupportedError, match="'siglip_vision_model'.*a CLIP"):
        vs.load(str(tmp_path), device="cpu")


def test_a_projector_alone_is_no_model(tmp_path: Path) -> None:
    (write_original(tmp_path).folder / "model.safetensors").unlink()
    torch.save({}, tmp_path / "mm_projector.bin")
    with pytest.raises(ModelLoadError, match=r"lacks its weights.*mm_projector\.bin"):
        vs.load(str(tmp_path), device="cpu")


def test_a_sentencepiece_file_alone_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vlmscope.models.loading.original_llava import processor

    (write_original(tmp_path).folder / "tokenizer.json").rename(tmp_path / "tokenizer.model")
    monkeypatch.setattr(processor, "_installed", lambda module: module != "sentencepiece")
    with pytest.raises(ModelLoadError, match="pip install sentencepiece"):
        vs.load(str(tmp_path), device="cpu")


# -- without weights -------------------------------------------------------------------------


def test_an_outline_and_doctor_read_the_format_too(tmp_path: Path) -> None:
    from vlmscope.doctor.footprint import footprint
    from vlmscope.models.loading.outline import load_outline

    original = write_original(tmp_path, "mlp2x_gelu_Norm")
    outline = load_outline(str(tmp_path))
    name = "self_attn.k_proj"
    module = outline.layers[1].get_submodule(name)
    stored = outline.fetch(1, module, name)["weight"]
    assert torch.equal(stored, original.state[f"model.layers.1.{name}.weight"])
    seen = footprint(str(tmp_path))
    assert seen.faults == () and seen.picture is not None
    assert seen.picture.image_tokens == (SIDE // PATCH) ** 2
