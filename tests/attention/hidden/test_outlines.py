"""Of a checkpoint in a folder only the tensors of the layer are read, and the rows are the same."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import vlmscope as vs
from attention.hidden.test_families import CLASSES, PHRASE, inputs_kept, picture
from families import llava
from lvlms import builds, made
from vlmscope.errors import ModelLoadError, UnsupportedError

Q_PROJ = "layers.1.self_attn.q_proj.weight"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = llava("qwen2")
    model.hf.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    return tmp_path


def edit(folder: Path, change) -> None:
    weights = load_file(folder / "model.safetensors")
    change(
        weights, next(name for name in weights if name.endswith(Q_PROJ) and "vision" not in name)
    )
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


def zeros(model: vs.models.LoadedModel) -> tuple[torch.Tensor, vs.TokenMap]:
    tokens = vs.token_map(model, picture(), PHRASE)
    return torch.zeros(len(tokens), model.decoder.config.hidden_size), tokens


@pytest.mark.parametrize("name", CLASSES)
def test_rows_of_a_folder_equal_those_of_the_loaded_model(name: str, tmp_path: Path) -> None:
    model = made(name)
    model.hf.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    with vs.capture(model, rows="phrase") as trace, inputs_kept(model) as kept:
        vs.prefill(model, picture(), PHRASE)
    outline = vs.load_outline(str(tmp_path))
    tokens = vs.token_map(outline, picture(), PHRASE)
    assert tokens.roles.tolist() == trace.token_map.roles.tolist()
    if builds()[name].fused:
        with pytest.raises(ModelLoadError, match="in one tensor with others"):
            vs.rows_from_hidden_states(outline, kept[0][0], tokens, 0, "phrase")
        return
    own = [n for n in model.row_layers if not model.family.keys_of_another_layer(model.hf, n)]
    for layer in (own[0], own[-1]):
        rows = vs.rows_from_hidden_states(outline, kept[layer][0], tokens, layer, "phrase")
        torch.testing.assert_close(rows, trace.layer_maps(layer), atol=1e-6, rtol=0)
    assert all(each.is_meta for each in outline.layers.parameters())


def test_the_name_of_a_folder_will_do(folder: Path) -> None:
    model = llava("qwen2")
    with vs.capture(model) as trace, inputs_kept(model) as kept:
        vs.prefill(model, picture(), PHRASE)
    rows = vs.rows_from_hidden_states(folder, kept[1][0].numpy(), trace.token_map, 1)
    torch.testing.assert_close(rows, trace.layer_maps(1), atol=1e-6, rtol=0)


def test_a_small_share_of_the_files_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def widen(weights: dict, name: str) -> None:  # as large vocabularies and towers are
        weights["language_model.lm_head.weight"] = torch.ones(64, 2**16)

    edit(folder, widen)
    outline, read = vs.load_outline(str(folder)), []
    usual = Path.open

    def counted(path: Path, *args: object, **kwargs: object) -> IO:
        stream = usual(path, *args, **kwargs)
        if path.suffix == ".safetensors":
            return CountedStream(stream, read)  # type: ignore[return-value]
        return stream

    hidden, tokens = zeros(outline)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", counted)
        vs.rows_from_hidden_states(outline, hidden, tokens, 1)
    stored = (folder / "model.safetensors").stat().st_size
    weights = load_file(folder / "model.safetensors")
    needed = sum(
        value.numel() * value.element_size()
        for name, value in weights.items()
        if ".layers.1." in name
        and "vision" not in name
        and any(part in name for part in ("q_proj", "k_proj", "input_layernorm"))
    )
    header = 8 + int.from_bytes((folder / "model.safetensors").read_bytes()[:8], "little")
    assert needed <= sum(read) <= needed + header + 8 * 8
    assert sum(read) < 0.01 * stored


class CountedStream:
    """A stream that writes down how much of it is read."""

    def __init__(self, stream: IO, counts: list[int]) -> None:
        self.stream, self.counts = stream, counts

    def __enter__(self) -> CountedStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def seek(self, place: int) -> int:
        return self.stream.seek(place)

    def read(self, size: int) -> bytes:
        values = self.stream.read(size)
        self.counts.append(len(values))
        return values


def test_a_tensor_that_is_missing_or_renamed_is_named(folder: Path) -> None:
    def rename(weights: dict, name: str) -> None:
        weights[name.replace("q_proj", "query")] = weights.pop(name)

    edit(folder, rename)
    outline = vs.load_outline(str(folder))
    hidden, tokens = zeros(outline)
    with pytest.raises(
        ModelLoadError, match=r"lacks the tensor self_attn\.q_proj\.weight of layer 1"
    ):
        vs.rows_from_hidden_states(outline, hidden, tokens, 1)
    assert vs.rows_from_hidden_states(outline, hidden, tokens, 0).shape[0] == 8
    weights = load_file(folder / "model.safetensors")
    gone = {name: value for name, value in weights.items() if "layers.1." not in name}
    save_file(gone, folder / "model.safetensors", {"format": "pt"})
    outline = vs.load_outline(str(folder))
    with pytest.raises(ModelLoadError, match=r"hold for that layer: none"):
        vs.rows_from_hidden_states(outline, hidden, tokens, 1)


def test_a_tensor_of_another_shape_or_quantised_is_named(folder: Path) -> None:
    edit(folder, lambda weights, name: weights.update({name: weights[name][:4].contiguous()}))
    outline = vs.load_outline(str(folder))
    hidden, tokens = zeros(outline)
    with pytest.raises(ModelLoadError, match=r"q_proj\.weight of .* is 4x64, and its config"):
        vs.rows_from_hidden_states(outline, hidden, tokens, 1)
    edit(folder, lambda weights, name: weights.update({name: weights[name].to(torch.int8)}))
    outline = vs.load_outline(str(folder))
    with pytest.raises(ModelLoadError, match=r"stored as I8: it is quantised"):
        vs.rows_from_hidden_states(outline, hidden, tokens, 1)


def test_an_outline_runs_nothing(folder: Path) -> None:
    outline = vs.load_outline(str(folder))
    with pytest.raises(UnsupportedError, match="holds no weights"):
        vs.prefill(outline, picture(), PHRASE)
    with pytest.raises(UnsupportedError, match="holds no weights"):
        vs.ground(outline, picture(), PHRASE, heads="L1H1")


@pytest.mark.parametrize("name", ["mllama", "blip-2"])
def test_families_whose_layers_do_not_hold_the_image_have_no_outline(
    name: str, tmp_path: Path
) -> None:
    made(name).hf.config.save_pretrained(tmp_path)
    with pytest.raises(UnsupportedError, match=r"cross-attention|Q-Former"):
        vs.load_outline(str(tmp_path))


def test_encoders_and_quantised_checkpoints_have_no_outline(folder: Path) -> None:
    with pytest.raises(UnsupportedError, match="encoder"):
        vs.load_outline("tiny-clip")
    text = (folder / "config.json").read_text().rstrip().removesuffix("}")
    quantised = text + ', "quantization_config": {"quant_method": "awq", "bits": 4}}'
    (folder / "config.json").write_text(quantised)
    with pytest.raises(UnsupportedError, match="quantised"):
        vs.load_outline(str(folder))


def test_float16_weights_are_read_as_what_they_are(folder: Path) -> None:
    edit(folder, lambda weights, name: weights.update({name: weights[name].half()}))
    outline = vs.load_outline(str(folder))
    assert outline.dtype == torch.float32
    hidden, tokens = zeros(outline)
    values = torch.from_numpy(np.random.default_rng(0).normal(size=hidden.shape)).half()
    rows = vs.rows_from_hidden_states(outline, values, tokens, 1)
    torch.testing.assert_close(
        rows, vs.rows_from_hidden_states(llava("qwen2"), values, tokens, 1), atol=1e-2, rtol=0
    )
