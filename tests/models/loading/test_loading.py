"""Loading from a folder: what is refused and how, where weights go, and what is recorded."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import errors as hub
from safetensors.torch import load_file, save_file
from transformers import AutoModelForImageTextToText, BitsAndBytesConfig

import vlmscope as vs
from families import llava
from vlmscope.errors import (
    BadOptionError,
    BadPhraseError,
    MissingExtraError,
    ModelLoadError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.hub import no_connection
from vlmscope.models import LoadedModel
from vlmscope.models.loading.quantisation import quantisation
from vlmscope.models.loading.refusals import explained
from vlmscope.models.loading.sources import fingerprint
from vlmscope.models.loading.weights import weight_files


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete checkpoint of a random LLaVA."""
    folder = tmp_path_factory.mktemp("whole")
    model = llava()
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    return folder


@pytest.fixture
def checkpoint(whole: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(whole, tmp_path / "checkpoint"))


def change_config(folder: Path, **changes: Any) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def change_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def look(model: LoadedModel) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows under a knock-out, and the logits of a free pass."""
    with (
        vs.capture(model, rows="last_text") as trace,
        vs.knockout(model, edges=[("image", "query")], layers=range(1, 3)),
    ):
        vs.prefill(model, pixels(), "the red circle")
    return trace.maps, vs.prefill(model, pixels(), "the red circle").logits


# -- weights that are not all there ----------------------------------------------------------


def test_a_tensor_that_was_removed_is_named(checkpoint: Path) -> None:
    key = "language_model.model.layers.2.mlp.up_proj.weight"
    change_weights(checkpoint, lambda weights: weights.pop(key))
    with pytest.raises(
        ModelLoadError, match=r"lacks 1 .*layers\.2\.mlp\.up_proj\.weight"
    ) as caught:
        vs.load(str(checkpoint))
    assert "random numbers" in str(caught.value)


def test_a_tensor_under_another_name_is_named_twice(checkpoint: Path) -> None:
    key = "language_model.model.layers.2.mlp.up_proj.weight"

    def rename(weights: dict[str, torch.Tensor]) -> None:
        weights["elsewhere.weight"] = weights.pop(key)

    change_weights(checkpoint, rename)
    with pytest.raises(ModelLoadError, match=r"fit nowhere: elsewhere\.weight"):
        vs.load(str(checkpoint))


def test_tied_weights_are_stored_once_and_not_missed(tmp_path: Path) -> None:
    model = llava()
    model.hf.config.tie_word_embeddings = True
    model.hf.config.text_config.tie_word_embeddings = True
    tied = type(model.hf)(model.hf.config)
    tied.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    assert not [key for key in load_file(tmp_path / "model.safetensors") if "lm_head" in key]
    loaded = vs.load(str(tmp_path))
    head, embeddings = loaded.hf.lm_head.weight, loaded.hf.get_input_embeddings().weight
    assert head.data_ptr() == embeddings.data_ptr()


def test_another_shape_than_the_configuration_says(checkpoint: Path) -> None:
    def shorten(weights: dict[str, torch.Tensor]) -> None:
        for key in [name for name in weights if name.endswith("linear_1.weight")]:
            weights[key] = weights[key][:, :-1].contiguous()

    change_weights(checkpoint, shorten)
    with pytest.raises(ModelLoadError, match=r"linear_1\.weight: 64x31 stored, 64x32 expected"):
        vs.load(str(checkpoint))


@pytest.mark.parametrize("left", [0, 5, 3000, -1], ids=["empty", "length", "header", "last byte"])
def test_a_file_that_was_cut_off(checkpoint: Path, left: int) -> None:
    file = checkpoint / "model.safetensors"
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(ModelLoadError, match=r"model\.safetensors .*(cut off|no readable header)"):
        vs.load(str(checkpoint))


def test_files_that_are_not_read_are_not_checked(checkpoint: Path) -> None:
    (checkpoint / "consolidated.safetensors").write_bytes(b"something else")
    assert [file.name for file in weight_files(checkpoint)] == ["model.safetensors"]
    assert vs.load(str(checkpoint)).family.id == "llava"


def test_a_file_of_the_index_that_is_not_there(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").rename(checkpoint / "model-00001-of-00002.safetensors")
    index = {
        "weight_map": {
            "a": "model-00001-of-00002.safetensors",
            "b": "model-00002-of-00002.safetensors",
        }
    }
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelLoadError, match=r"1 of the 2 .* missing: model-00002-of-00002"):
        vs.load(str(checkpoint))


def test_no_weights_at_all(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    with pytest.raises(ModelLoadError, match=r"model\.safetensors"):
        vs.load(str(checkpoint))


# -- what is no checkpoint of a covered family -----------------------------------------------


def test_an_unknown_family_lists_the_known_ones(checkpoint: Path) -> None:
    change_config(checkpoint, model_type="bert")
    with pytest.raises(UnsupportedError, match="'bert'.*llava.*one file"):
        vs.load(str(checkpoint))


def test_the_authors_own_format_names_a_port(checkpoint: Path) -> None:
    change_config(checkpoint, model_type="internvl_chat")
    with pytest.raises(UnsupportedError, match="OpenGVLab/InternVL3-8B-hf"):
        vs.load(str(checkpoint))


def test_mini_gemini_says_why_it_is_not_read(checkpoint: Path) -> None:
    config = {"model_type": "mini_gemini", "mm_vision_tower_aux": "somebody/convnext"}
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(UnsupportedError, match=r"'mini_gemini'.*two towers"):
        vs.load(str(checkpoint))


@pytest.mark.parametrize("text", ["[]", "{}", '{"model_type": 3}'])
def test_a_configuration_without_a_model_type(checkpoint: Path, text: str) -> None:
    (checkpoint / "config.json").write_text(text)
    with pytest.raises(ModelLoadError, match="names no model_type"):
        vs.load(str(checkpoint))


def test_a_revision_of_a_folder(whole: Path) -> None:
    with pytest.raises(BadOptionError, match="'main'.*a folder"):
        vs.load(str(whole), revision="main")
    with pytest.raises(BadOptionError, match="embedded"):
        vs.load("tiny-llava", revision="main")


# -- what the machine refuses ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full.*HF_HOME"),
        (PermissionError(errno.EACCES, "Permission denied"), "may not be read or written"),
        (torch.OutOfMemoryError("CUDA out of memory."), "memory is too small.*doctor owner/x"),
        (MemoryError(), "memory is too small"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory is too small"),
        (hub.OfflineModeIsEnabled("offline"), "HF_HUB_OFFLINE"),
        (hub.LocalEntryNotFoundError("no file"), "cannot be reached"),
        (TimeoutError("timed out"), "cannot be reached"),
        (ValueError("set the option `trust_remote_code=True`"), "trust_remote_code=True"),
        (ImportError("X requires the Y library"), "not installed: X requires the Y library"),
        (EOFError("Ran out of input"), "damaged"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_each_failure_has_its_own_message(error: Exception, said: str, wrapped: bool) -> None:
    with pytest.raises(ModelLoadError, match=said) as caught, explained("owner/x"):
        if not wrapped:
            raise error
        try:
            raise error
        except Exception as inner:  # transformers wraps what the hub raises
            raise OSError("Can't load the model.") from inner
    if not wrapped:
        assert caught.value.__cause__ is error


def answered(text: str, status: int) -> hub.HfHubHTTPError:
    return hub.HfHubHTTPError(
        text, response=SimpleNamespace(status_code=status, headers={}, request=None)
    )


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_hub_is_no_connection(status: int) -> None:
    busy = answered("busy", status)
    assert no_connection(busy) == f"the hub cannot answer now (status {status})"
    forbidden = answered("no", 403)
    assert no_connection(forbidden) is None
    with pytest.raises(ModelLoadError, match="refuses to deliver owner/x: no"):
        with explained("owner/x"):
            raise forbidden


def test_any_other_failure_is_quoted() -> None:
    with pytest.raises(ModelLoadError, match=r"owner/x could not be loaded: what\? no$"):
        with explained("owner/x"):
            raise TypeError("what?\n no")


def test_own_errors_and_interrupts_pass() -> None:
    with pytest.raises(BadOptionError), explained("x"):
        raise BadOptionError("as it is")
    with pytest.raises(KeyboardInterrupt), explained("x"):
        raise KeyboardInterrupt


# -- where weights go ------------------------------------------------------------------------


def test_one_device_by_a_map(whole: Path) -> None:
    rows, logits = look(vs.load(str(whole), device="cpu"))
    mapped, same = look(vs.load(str(whole), device_map={"": "cpu"}))
    assert torch.equal(rows, mapped)
    assert torch.equal(logits, same)


SPREAD = {
    "the last layers on disk": {
        "model.vision_tower": "cpu",
        "model.multi_modal_projector": "cpu",
        "model.language_model.embed_tokens": "cpu",
        "model.language_model.rotary_emb": "cpu",
        "model.language_model.layers.0": "cpu",
        "model.language_model.layers.1": "cpu",
        "model.language_model.layers.2": "disk",
        "model.language_model.layers.3": "disk",
        "model.language_model.norm": "disk",
        "lm_head": "disk",
    },
    "the first layers on disk": {
        "model.vision_tower": "disk",
        "model.multi_modal_projector": "disk",
        "model.language_model.embed_tokens": "disk",
        "model.language_model.rotary_emb": "cpu",
        "model.language_model.layers.0": "disk",
        "model.language_model.layers.1": "disk",
        "model.language_model.layers.2": "cpu",
        "model.language_model.layers.3": "cpu",
        "model.language_model.norm": "cpu",
        "lm_head": "cpu",
    },
}


@pytest.mark.parametrize("spread", SPREAD.values(), ids=SPREAD)
def test_a_spread_model_gives_the_same(whole: Path, spread: dict[str, str]) -> None:
    """Rows, knock-outs, early stop and the shared prefix work through accelerate's hooks."""
    plain, far = vs.load(str(whole), device="cpu"), vs.load(str(whole), device_map=spread)
    assert "disk" in far.hf.hf_device_map.values()
    assert any(parameter.is_meta for parameter in far.hf.parameters())
    assert far.device == torch.device("cpu")
    for one, other in zip(look(plain), look(far), strict=True):
        assert torch.equal(one, other)
    phrases = ["the red circle", "dog"]
    for one, other in zip(
        vs.ground(plain, pixels(), phrases, heads=[(1, 2), (2, 3)]),
        vs.ground(far, pixels(), phrases, heads=[(1, 2), (2, 3)]),
        strict=True,
    ):
        np.testing.assert_array_equal(one.score_map, other.score_map)
    hooks = [name for name, part in far.hf.named_modules() if hasattr(part, "_hf_hook")]
    assert hooks  # still there after our contexts have closed


def test_a_spread_model_that_the_user_holds(whole: Path) -> None:
    plain = vs.load(str(whole), device="cpu")
    hf = AutoModelForImageTextToText.from_pretrained(
        whole, device_map=SPREAD["the first layers on disk"]
    )
    held = vs.from_pretrained_model(hf, plain.processor)
    assert torch.equal(look(held)[0], look(plain)[0])


def test_auto_is_a_device_too(whole: Path) -> None:
    assert torch.equal(look(vs.load(str(whole), device="auto"))[0], look(vs.load(str(whole)))[0])


def test_bad_maps(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadOptionError, match="'cpu' and device_map='auto'"):
        vs.load(str(whole), device="cpu", device_map="auto")
    with pytest.raises(UnknownNameError, match="'balanced'"):
        vs.load(str(whole), device_map="ballanced")
    with pytest.raises(BadOptionError, match="dictionary"):
        vs.load(str(whole), device_map={})
    with pytest.raises(UnsupportedError, match="dual encoder"):
        vs.load("tiny-clip", device_map="auto")
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'vlmscope\[accelerate\]'"):
        vs.load(str(whole), device_map="auto")


def test_devices_that_are_not_there(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ModelLoadError, match=r"sees 2 GPU\(s\), counted from 0"):
        vs.load(str(whole), device="cuda:2")
    if not torch.backends.mps.is_available():
        with pytest.raises(ModelLoadError, match="no Apple GPU"):
            vs.load(str(whole), device="mps")


# -- quantised weights -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (None, None),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bitsandbytes 4-bit"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes 8-bit"),
        ({"quant_method": "awq", "bits": 4}, "awq 4-bit"),
        ({"quant_method": "fp8"}, "fp8"),
        (BitsAndBytesConfig(load_in_4bit=True), "bitsandbytes 4-bit"),
    ],
)
def test_what_a_configuration_says_of_quantisation(settings: Any, said: str | None) -> None:
    assert quantisation({"quantization_config": settings}) == said
    assert quantisation({"text_config": {"quantization_config": settings}}) == said


def test_a_quantised_model_without_its_package(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "transformers.quantizers.quantizer_bnb_4bit.is_bitsandbytes_available"
    monkeypatch.setattr(module, lambda *_: False)
    change_config(
        checkpoint,
        quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True},
    )
    with pytest.raises(ModelLoadError, match=r"(?i)not installed: .*bitsandbytes"):
        vs.load(str(checkpoint))


def test_quantisation_is_recorded(whole: Path) -> None:
    model = vs.load(str(whole))
    assert model.card.quantisation is None
    model.hf.config.quantization_config = {"quant_method": "awq", "bits": 4}
    wrapped = vs.from_pretrained_model(model.hf, model.processor)
    assert wrapped.card.quantisation == "awq 4-bit"


def test_the_fingerprint_is_recorded(whole: Path) -> None:
    assert vs.load(str(whole)).revision == fingerprint(whole)


def test_max_side_makes_fewer_tokens_and_keeps_original_pixels() -> None:
    from dataclasses import replace

    from lvlms import made

    model = made("qwen2.5-vl")
    image = np.random.default_rng(0).integers(0, 255, (300, 500, 3), dtype=np.uint8)
    smaller = replace(model, max_side=150)
    many, few = (vs.token_map(each, image, "pizza") for each in (model, smaller))
    assert len(few.image_positions) < len(many.image_positions) / 3
    assert few.image_size == (300, 500) and few.seen == pytest.approx((0, 0, 500, 300), abs=1)
    assert vs.load("tiny-llava", max_side=64).max_side == 64
    with pytest.raises(BadOptionError, match="at least 1 pixel"):
        vs.load("tiny-llava", max_side=0)
    with pytest.raises(UnsupportedError, match="dual encoder"):
        vs.load("tiny-clip", max_side=64)


def test_an_image_of_too_many_tokens_is_refused_with_numbers_and_the_option() -> None:
    from lvlms import made

    model = made("qwen2.5-vl")
    limit = model.context
    model.decoder.config.max_position_embeddings = 40
    try:
        with pytest.raises(
            BadPhraseError, match=r"more than the 40 .*image's.*max_side=.*--max-side"
        ):
            vs.token_map(model, np.zeros((300, 500, 3), dtype=np.uint8), "pizza")
    finally:
        model.decoder.config.max_position_embeddings = limit
