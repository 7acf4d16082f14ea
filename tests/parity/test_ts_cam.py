"""ts-cam against plain steps over weights as its authors save them; refused where no head was trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import vlmscope as vs
from dual_families import clip, vit
from ts_cams import LABELS, SIDE, as_saved, naive, ts_cam_weights
from vlmscope.errors import UnknownNameError, UnsupportedError
from vlmscope.methods import methods_for
from vlmscope.models import DualEncoder

IMAGE = np.random.default_rng(0).integers(0, 255, (40, 64, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> DualEncoder:
    file = tmp_path_factory.mktemp("weights") / "ts-cam.pth"
    torch.save(as_saved(ts_cam_weights()), file)
    return vs.load_ts_cam(file, LABELS)


def pixels() -> torch.Tensor:
    """The image squashed bilinearly and normalised as ImageNet's, by hand: (3, side, side)."""
    squashed = Image.fromarray(IMAGE).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    values = torch.tensor(np.array(squashed)).permute(2, 0, 1).double() / 255
    mean = torch.tensor([0.485, 0.456, 0.406]).double()[:, None, None]
    return (values - mean) / torch.tensor([0.229, 0.224, 0.225]).double()[:, None, None]


def test_equals_the_formula(model: DualEncoder) -> None:
    maps, logits = naive(ts_cam_weights(), pixels())
    chances = torch.tensor(logits).softmax(dim=0).tolist()
    found = vs.ground(model, IMAGE, ["zebra", "tabby cat", "0"])
    for one, row in zip(found, (2, 1, 0), strict=True):
        scale = max(map(abs, maps[row]))
        np.testing.assert_allclose(
            one.score_map.ravel() / scale, np.array(maps[row]) / scale, atol=2e-5
        )
        assert one.method == "ts-cam" and one.score == pytest.approx(max(maps[row]), rel=1e-4)
        assert one.details["presence"] == pytest.approx(chances[row], rel=1e-3)
        assert one.details["label"] == {"row": row, "name": LABELS[row]}


def test_every_form_of_the_file_gives_the_same(model: DualEncoder, tmp_path: Path) -> None:
    expected = vs.ground(model, IMAGE, "zebra").score_map
    torch.save(ts_cam_weights(), tmp_path / "bare.pt")
    save_file(ts_cam_weights(), tmp_path / "ts-cam.safetensors")
    for name in ("bare.pt", "ts-cam.safetensors"):
        other = vs.load_ts_cam(tmp_path / name, LABELS)
        assert np.array_equal(vs.ground(other, IMAGE, "zebra").score_map, expected)


def test_another_side_has_another_grid(model: DualEncoder) -> None:
    found = vs.ground(model, IMAGE, "bus", side=2 * SIDE, keep_ratio=True)
    assert found.details["grid"] == [8, 13] and found.score_map.shape == (8, 13)
    assert np.isfinite(found.score_map).all()


def test_the_box_is_of_the_largest_part_above_a_tenth_of_the_range(model: DualEncoder) -> None:
    found = vs.ground(model, IMAGE, "bus")
    raw = found.score_map
    share = (raw - raw.min()) / (raw.max() - raw.min())
    assert found.located is not None
    np.testing.assert_allclose(found.located.score_map, share, atol=1e-6)
    assert found.details["options"]["share"] == 0.1 and found.details["options"]["keep"] == "area"


def test_it_is_the_only_method_of_such_a_model(model: DualEncoder) -> None:
    assert [method.id for method in methods_for(model)] == ["ts-cam"]
    with pytest.raises(
        UnsupportedError, match=r"gem compares patches with texts.*Use the method ts-cam"
    ):
        vs.ground(model, IMAGE, "bus", method="gem")
    with pytest.raises(UnsupportedError, match="Use the method ts-cam"):
        vs.segment(model, IMAGE, "bus, sky")
    compared = vs.compare_methods(model, IMAGE, ["bus", "sky"])
    assert list(compared) == ["ts-cam"]


@pytest.mark.parametrize("build", [clip, vit])
def test_nothing_without_its_head_is_called_ts_cam(build) -> None:
    encoder = build()
    assert "ts-cam" not in [method.id for method in methods_for(encoder)]
    with pytest.raises(
        UnsupportedError, match="ts-cam reads a head that was trained.*cls-attention"
    ):
        vs.ground(encoder, IMAGE, "sky", method="ts-cam")


def test_a_phrase_that_is_no_label_is_refused(model: DualEncoder) -> None:
    with pytest.raises(UnknownNameError, match=r"label 'zebre'.*zebra"):
        vs.ground(model, IMAGE, "zebre")


def test_parts_need_no_label(model: DualEncoder) -> None:
    assert len(vs.parts(model, IMAGE, parts=2).names) == 2
