"""Pointers in place of files, sizes of zero, weights that are no numbers: one sentence each."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import dual_families
import vlmscope as vs
from families import llava
from sams import tiny_sam
from vlmscope.doctor.footprint import footprint
from vlmscope.errors import ModelLoadError
from vlmscope.models.loading.damage import check_sizes

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 605157884\n"


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    model = dual_families.clip()
    model.hf.save_pretrained(tmp_path)
    model.processor.save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def sam(tmp_path: Path) -> Path:
    for part in tiny_sam():
        part.save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("door", [vs.load, footprint])
@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_pointer(file: str, door: Callable[[str], Any], encoder: Path) -> None:
    (encoder / file).write_text(POINTER)
    with pytest.raises(ModelLoadError, match=rf"{file} is a Git-LFS pointer.*`git lfs pull` in "):
        door(str(encoder))


def test_a_pointer_in_place_of_a_sam_or_a_pickle(sam: Path) -> None:
    (sam / "model.safetensors").rename(sam / "pytorch_model.bin")
    (sam / "pytorch_model.bin").write_text(POINTER)
    with pytest.raises(ModelLoadError, match=r"pytorch_model\.bin is a Git-LFS pointer"):
        vs.load_sam(str(sam))


def test_pointers_to_formats_that_are_not_read(encoder: Path) -> None:
    for name in ("pytorch_model.bin", "flax_model.msgpack", "consolidated.safetensors"):
        (encoder / name).write_text(POINTER)
    assert vs.load(str(encoder)).family.id == "clip"


@pytest.mark.parametrize("door", [vs.load, footprint])
@pytest.mark.parametrize("value", [0, -4])
@pytest.mark.parametrize("place", ["vision_config.num_attention_heads", "text_config.hidden_size"])
def test_sizes_of_zero(place: str, value: int, door: Callable[[str], Any], encoder: Path) -> None:
    config = json.loads((encoder / "config.json").read_text())
    part, key = place.split(".")
    config[part][key] = value
    (encoder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelLoadError, match=rf"says {place}: {value}, .*at least 1"):
        door(str(encoder))


def test_a_configuration_of_brackets(encoder: Path) -> None:
    (encoder / "config.json").write_text("[" * 100_000)
    with pytest.raises(ModelLoadError, match=r"config\.json is no JSON"):
        vs.load(str(encoder))


def spoil(folder: Path, value: float) -> str:
    """Put one number into the last weight; returns its name."""
    weights = load_file(folder / "model.safetensors")
    key = sorted(key for key, weight in weights.items() if weight.dim() > 1)[-1]
    weights[key].view(-1)[-1] = value
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return key


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers(value: float, encoder: Path) -> None:
    key = spoil(encoder, value)
    with pytest.raises(ModelLoadError, match=rf"NaN or infinite.*{key}"):
        vs.load(str(encoder))


def test_a_decoder_and_a_sam_too(sam: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    spoil(sam, float("nan"))
    with pytest.raises(ModelLoadError, match="NaN or infinite"):
        vs.load_sam(str(sam))
    folder = tmp_path_factory.mktemp("decoder")
    model = llava()
    model.hf.save_pretrained(folder)
    model.processor.save_pretrained(folder)
    spoil(folder, float("nan"))
    for dtype in (None, torch.bfloat16):
        with pytest.raises(ModelLoadError, match="NaN or infinite"):
            vs.load(str(folder), dtype=dtype)


@pytest.mark.parametrize("door", [vs.load, footprint])
@pytest.mark.parametrize("key", ["vision_config", "text_config"])
def test_layers_without_end_are_refused_before_any_is_built(
    encoder: Path, door: Callable[[str], Any], key: str
) -> None:
    record = json.loads((encoder / "config.json").read_text())
    record[key]["num_hidden_layers"] = 1_000_000
    (encoder / "config.json").write_text(json.dumps(record))
    with pytest.raises(
        ModelLoadError, match=rf"{key}\.num_hidden_layers: 1000000, and no model has"
    ):
        door(str(encoder))


@pytest.mark.parametrize("door", [vs.load, footprint])
def test_channels_without_end_are_refused_before_any_is_built(
    encoder: Path, door: Callable[[str], Any]
) -> None:
    record = json.loads((encoder / "config.json").read_text())
    record["vision_config"]["num_channels"] = 1_000_000
    (encoder / "config.json").write_text(json.dumps(record))
    with pytest.raises(ModelLoadError, match=r"num_channels: 1000000, .*more than 1,000 channels"):
        door(str(encoder))


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"vision_feature_layer": 50}, "vision_feature_layer"),
        ({"vision_feature_layer": [-2, -50]}, "vision_feature_layer"),
        ({"text_config": {"num_hidden_layers": 4, "cross_attention_layers": [3, 9]}}, "cross_att"),
    ],
)
def test_a_layer_that_a_tower_does_not_have_is_refused(values: dict[str, Any], key: str) -> None:
    config = {"model_type": "x", "vision_config": {"num_hidden_layers": 3}, **values}
    with pytest.raises(ModelLoadError, match=rf"the_model says {key}.* has \d+ layers"):
        check_sizes(config, "the_model")


@pytest.mark.parametrize("layer", [-1, -2, -4, 0, 3, [0, 1, 2], "last", None])
def test_layers_that_a_tower_has_are_not(layer: Any) -> None:
    check_sizes({"vision_config": {"num_hidden_layers": 3}, "vision_feature_layer": layer}, "x")
    check_sizes({"vision_config": {}, "vision_feature_layer": 99}, "x")  # its default is not known
    check_sizes({"vision_config": None, "vision_feature_layer": 99}, "x")


@pytest.mark.parametrize("door", [vs.load, footprint])
@pytest.mark.parametrize(
    "tensor",
    [
        {"dtype": "F32", "shape": ["a", 2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2], "data_offsets": [0, "8"]},
        {"dtype": ["F32"], "shape": [2], "data_offsets": [0, 8]},
        {"dtype": "F32", "shape": [2], "data_offsets": [0, 4, 8]},
        {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]},
    ],
    ids=["shape of text", "offsets of text", "a list of dtypes", "three offsets", "no shape"],
)
def test_a_header_that_nobody_could_read_is_refused(
    encoder: Path, door: Callable[[str], Any], tensor: dict[str, Any]
) -> None:
    header = json.dumps({"a": tensor}).encode()
    length = len(header).to_bytes(8, "little")
    (encoder / "model.safetensors").write_bytes(length + header + bytes(16))
    with pytest.raises(ModelLoadError, match="has no readable header"):
        door(str(encoder))


@pytest.mark.parametrize("door", [vs.load, footprint])
@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
def test_a_byte_order_mark_in_settings_is_named(
    encoder: Path, door: Callable[[str], Any], file: str
) -> None:
    path = encoder / file
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    try:
        message = " ".join(door(str(encoder)).faults)
    except ModelLoadError as error:
        message = str(error)
    assert "begins with a byte order mark" in message and "utf-8-sig" not in message


@pytest.mark.parametrize("door", [vs.load, footprint])
@pytest.mark.parametrize(
    "index",
    [
        b'{"weight_map": {"a": 1}}',
        b'{"weight_map": {"a": null, "b": null}}',
        b'{"weight_map": {"a": ["one.safetensors"]}}',
        b'\xef\xbb\xbf{"weight_map": {}}',
        b"[" * 100_000,
    ],
    ids=["a number", "nothing", "a list", "a mark", "brackets"],
)
def test_an_index_that_names_no_files_is_refused(
    encoder: Path, door: Callable[[str], Any], index: bytes
) -> None:
    (encoder / "model.safetensors").unlink()
    (encoder / "model.safetensors.index.json").write_bytes(index)
    with pytest.raises(ModelLoadError, match="The index of weights .* cannot be read") as caught:
        door(str(encoder))
    assert "utf-8-sig" not in str(caught.value)
