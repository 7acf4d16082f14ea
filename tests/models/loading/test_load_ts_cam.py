"""Files of a TS-CAM: names, labels, and layouts that are refused with what they hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import vlmscope as vs
from ts_cams import CLASSES, LABELS, as_saved, ts_cam_weights
from vlmscope.errors import BadOptionError, ModelLoadError, VlmscopeError
from vlmscope.models import DualEncoder

Weights = dict[str, Tensor]


def without(name: str) -> Callable[[Weights], Weights]:
    return lambda weights: {key: value for key, value in weights.items() if key != name}


def with_(name: str, *shape: int) -> Callable[[Weights], Weights]:
    return lambda weights: {**weights, name: torch.zeros(*shape)}


def test_load_takes_a_file_and_the_labels_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "cub.pth"
    torch.save(as_saved(ts_cam_weights()), file)
    numbered = vs.load(str(file))
    assert isinstance(numbered, DualEncoder) and numbered.hf.config.id2label[4] == "4"
    assert numbered.revision is not None and numbered.revision.startswith("sha256:")
    file.with_suffix(".txt").write_text("\n".join(LABELS) + "\n", encoding="utf-8")
    named = vs.load(str(file))
    assert named.hf.config.id2label[2] == "zebra"
    with pytest.raises(BadOptionError, match="has no use for revision"):
        vs.load(str(file), revision="main")
    with pytest.raises(BadOptionError, match="has no use for text_embeddings"):
        vs.load(str(file), text_embeddings={"a": torch.ones(3)})


def test_the_shape_is_read_from_the_weights(tmp_path: Path) -> None:
    torch.save(ts_cam_weights(), tmp_path / "a.pt")
    model = vs.load_ts_cam(tmp_path / "a.pt")
    config = model.hf.config
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (128, 3, 2)
    assert (model.patch, model.native_side, config.num_labels) == (8, 32, CLASSES)
    assert model.blocks[0].norm1.eps == 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without("head.weight"), r"lacks cls_token, pos_embed or head\.weight.* such as cls_token"),
        (
            without("blocks.1.norm2.bias"),
            r"1 weights missing: vit\.layers\.1\.layernorm_after\.bias",
        ),
        (with_("conv1.weight", 3, 3), r"1 weights that fit nowhere: conv1\.weight.*Conformer"),
        (with_("head.weight", CLASSES, 128), r"shape \(5, 128\); that of a TS-CAM.*cls-attention"),
        (with_("head.weight", CLASSES, 128, 1, 1), r"shape \(5, 128, 1, 1\)"),
        (with_("norm.bias", 7), r"1 weights of another shape: vit\.layernorm\.bias"),
        (with_("pos_embed", 1, 18, 128), "17 patches beside its class token.*distilled"),
    ],
)
def test_another_layout_is_refused_with_its_names(
    change: Callable[[Weights], Weights], message: str, tmp_path: Path
) -> None:
    torch.save(as_saved(change(ts_cam_weights())), tmp_path / "a.pth")
    with pytest.raises(ModelLoadError, match=message):
        vs.load_ts_cam(tmp_path / "a.pth")


def test_heads_of_another_width_are_asked_for(tmp_path: Path) -> None:
    torch.save(ts_cam_weights(width=96), tmp_path / "a.pth")
    with pytest.raises(ModelLoadError, match=r"96 channels wide.*heads of 64\. Give.*heads=\."):
        vs.load_ts_cam(tmp_path / "a.pth")
    assert vs.load_ts_cam(tmp_path / "a.pth", heads=3).hf.config.num_attention_heads == 3


@pytest.mark.parametrize("held", [{"state_dict": {"a": "text"}}, [1, 2], {"epoch": 3}])
def test_what_holds_no_weights_is_refused(held: object, tmp_path: Path) -> None:
    torch.save(held, tmp_path / "a.pth")
    with pytest.raises(ModelLoadError, match="holds no state dict, alone or under 'state_dict'"):
        vs.load_ts_cam(tmp_path / "a.pth")


class Anything:
    """What no loader for tensors alone makes."""


def test_a_pickle_of_more_than_tensors_and_a_damaged_file_are_refused(tmp_path: Path) -> None:
    torch.save({**as_saved(ts_cam_weights()), "more": Anything()}, tmp_path / "a.pth")
    with pytest.raises(ModelLoadError, match="a pickle may run code.*Anything"):
        vs.load_ts_cam(tmp_path / "a.pth")
    (tmp_path / "b.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelLoadError):
        vs.load_ts_cam(tmp_path / "b.safetensors")
    with pytest.raises(ModelLoadError, match="There is no file"):
        vs.load_ts_cam(tmp_path / "c.pth")


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    weights = ts_cam_weights()
    weights["norm.bias"][3] = float("nan")
    torch.save(weights, tmp_path / "a.pth")
    with pytest.raises(VlmscopeError, match="not finite|no numbers|NaN"):
        vs.load_ts_cam(tmp_path / "a.pth")


@pytest.mark.parametrize("labels", [LABELS[:4], [*LABELS[:4], " "]])
def test_labels_that_are_not_one_for_each_class(labels: list[str], tmp_path: Path) -> None:
    torch.save(ts_cam_weights(), tmp_path / "a.pth")
    with pytest.raises(BadOptionError, match=r"has 5 classes, and \d names.*Black footed"):
        vs.load_ts_cam(tmp_path / "a.pth", labels)
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ModelLoadError, match="names of classes in .*a.txt cannot be read"):
        vs.load_ts_cam(tmp_path / "a.pth")
