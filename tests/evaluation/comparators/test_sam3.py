"""SAM 3 asked by text: boxes, scores and masks are those of transformers' own post-processing."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers.models.sam3.modeling_sam3 import Sam3Model

from sam3_detector import SIDE, sam3_processor, tiny_sam3_detector
from vlmscope.errors import BadPhraseError, ModelLoadError, UnsupportedError
from vlmscope.evaluation import comparators

CHANNELS = {"input_data_format": "channels_last"}
SIZES = [(60, 60), (40, 90), (90, 40), (3, 50)]


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height).integers(0, 255, (height, width, 3), dtype=np.uint8)


def direct(hf: Any, processor: Any, image: NDArray[np.uint8], text: str) -> tuple[Any, Any]:
    """What somebody gets who calls transformers alone: the model's answer, and what is made of it."""
    inputs = processor(images=[image], text=[text], return_tensors="pt", **CHANNELS)
    inputs.pop("original_sizes")
    with torch.no_grad():
        outputs = hf(**inputs)
    (result,) = processor.post_process_instance_segmentation(
        outputs, threshold=-1.0, target_sizes=[image.shape[:2]]
    )
    return outputs, result


@pytest.mark.parametrize("size", SIZES)
def test_it_is_a_direct_call(size: tuple[int, int]) -> None:
    hf, processor = tiny_sam3_detector()
    found = comparators.wrap("sam3", hf, processor).find(noise(*size), "a red cat")
    outputs, expected = direct(hf, processor, noise(*size), "a red cat")
    order = expected["scores"].argsort(descending=True, stable=True)
    assert len(order) == 12 and found.scores is not None and found.mask is not None
    assert np.array_equal(found.boxes, expected["boxes"][order].numpy())
    assert found.scores.tolist() == expected["scores"][order].tolist()
    assert np.array_equal(found.mask, expected["masks"][order[0]].bool().numpy())
    assert found.mask.shape == size and found.mask.sum() > 0
    assert (found.text, found.notes, found.answer) == ("a red cat", (), None)
    by_hand = outputs.pred_logits.sigmoid() * outputs.presence_logits.sigmoid()
    assert found.score == by_hand.max().item() < outputs.pred_logits.sigmoid().max().item()


def test_the_phrase_is_read() -> None:
    detector = comparators.wrap("sam3", *tiny_sam3_detector())
    one, other = (detector.find(noise(60, 60), text) for text in ("a red cat", "a dog"))
    assert not np.array_equal(one.boxes, other.boxes)


def test_long_phrases_are_cut_and_say_so() -> None:
    detector = comparators.wrap("sam3", *tiny_sam3_detector())
    image = noise(60, 60)
    whole, cut = detector.find(image, "a cat " * 15), detector.find(image, "a cat " * 15 + "dog")
    assert whole.notes == ()
    assert cut.notes == ("The phrase was cut to the 32 of its 33 tokens that the model takes.",)
    assert cut.boxes.shape == whole.boxes.shape


class ByHand(nn.Module):
    """Three queries whose boxes and masks are set by hand, as shares of the image."""

    def __init__(self, config: Any, box: tuple[float, ...], presence: float) -> None:
        super().__init__()
        self.config, self.box, self.presence = config, box, presence
        self.device, self.dtype = torch.device("cpu"), torch.float32

    def forward(self, pixel_values: Tensor, input_ids: Tensor, attention_mask: Tensor) -> Any:
        assert pixel_values.shape == (1, 3, SIDE, SIDE) and input_ids.shape == attention_mask.shape
        x0, y0, x1, y1 = self.box
        masks = torch.full((1, 3, 40, 40), -9.0)
        masks[0, 1, round(40 * y0) : round(40 * y1), round(40 * x0) : round(40 * x1)] = 9.0
        return SimpleNamespace(
            pred_logits=torch.tensor([[-5.0, 2.0, 1.0]]),
            pred_boxes=torch.tensor([[[0.0, 0.0, 0.1, 0.1], self.box, [0.5, 0.5, 0.9, 0.9]]]),
            pred_masks=masks,
            presence_logits=torch.tensor([[self.presence]]),
        )


@pytest.mark.parametrize("size", [(60, 60), (60, 180), (180, 60)])
@pytest.mark.parametrize("presence", [3.0, -3.0])
def test_boxes_and_masks_lie_where_they_were_set(size: tuple[int, int], presence: float) -> None:
    (hf, processor), (height, width) = tiny_sam3_detector(), size
    box = (0.25, 0.5, 0.75, 0.9)
    kind = comparators.COMPARATORS.get("sam3")
    stand_in = ByHand(hf.config, box, presence)
    found = comparators.Detector(kind, "by hand", None, stand_in, processor).find(
        noise(*size), "a cat"
    )
    assert found.box == pytest.approx(
        (0.25 * width, 0.5 * height, 0.75 * width, 0.9 * height), abs=1e-4
    )
    logits = torch.tensor([2.0, presence]).sigmoid()
    assert found.score == pytest.approx((logits[0] * logits[1]).item())
    truth = np.zeros(size, dtype=bool)
    truth[round(0.5 * height) : round(0.9 * height), round(0.25 * width) : round(0.75 * width)] = 1
    assert found.mask is not None
    assert (truth & found.mask).sum() / (truth | found.mask).sum() > 0.95


def test_numbers_that_are_none_are_no_miss() -> None:
    hf, processor = tiny_sam3_detector()
    stand_in = ByHand(hf.config, (0.1, 0.1, 0.2, 0.2), float("nan"))
    kind = comparators.COMPARATORS.get("sam3")
    with pytest.raises(UnsupportedError, match=r"NaN.*float32"):
        comparators.Detector(kind, "by hand", None, stand_in, processor).find(noise(9, 9), "a cat")


def test_without_torchvision_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transformers.utils.is_torchvision_available", lambda: False)
    for model_type in ("sam3", "sam3_video"):
        (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
        with pytest.raises(UnsupportedError) as caught:
            comparators.load("sam3", str(tmp_path))
        for word in ("SAM 3", "torchvision", torch.__version__, "not installed"):
            assert word in str(caught.value)


def save(folder: Path, whole: bool) -> None:
    """As it is, or as the published checkpoint has it: a part of the video model, with a tracker."""
    hf, _ = tiny_sam3_detector()
    hf.save_pretrained(folder)
    if not whole:
        return
    config = json.loads((folder / "config.json").read_text())
    content = {"model_type": "sam3_video", "detector_config": config}
    (folder / "config.json").write_text(json.dumps(content))
    weights = {f"detector_model.{k}": v for k, v in load_file(folder / "model.safetensors").items()}
    weights["tracker_model.no_memory_embedding"] = torch.zeros(1, 1, 4)
    weights["tracker_neck.fpn_layers.0.proj1.bias"] = torch.zeros(4)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.fixture
def with_torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where torchvision is: the classes are there, and the processor's folder is read."""
    monkeypatch.setattr("transformers.utils.is_torchvision_available", lambda: True)
    monkeypatch.setattr("transformers.Sam3Model", Sam3Model, raising=False)
    loaded = SimpleNamespace(from_pretrained=lambda path, **options: sam3_processor())
    monkeypatch.setattr("transformers.Sam3Processor", loaded, raising=False)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.usefixtures("with_torchvision")
def test_a_folder_finds_what_was_saved(tmp_path: Path, whole: bool) -> None:
    save(tmp_path, whole)
    detector = comparators.load("sam3", str(tmp_path), device="cpu")
    expected = comparators.wrap("sam3", *tiny_sam3_detector()).find(noise(60, 80), "a red cat")
    found = detector.find(noise(60, 80), "a red cat")
    assert np.array_equal(found.boxes, expected.boxes)
    assert np.array_equal(found.mask, expected.mask)
    assert (detector.id, detector.draws, detector.scored) == ("sam3", True, True)
    assert detector.limits == "noun phrases only: it was not made for sentences"


@pytest.mark.usefixtures("with_torchvision")
def test_missing_weights_are_refused(tmp_path: Path) -> None:
    save(tmp_path, whole=True)
    file = tmp_path / "model.safetensors"
    weights = load_file(file)
    name = next(name for name in weights if "presence" in name)
    del weights[name]
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ModelLoadError, match="lacks 1 of the weights"):
        comparators.load("sam3", str(tmp_path))


def test_an_empty_phrase_is_refused() -> None:
    with pytest.raises(BadPhraseError, match="empty"):
        comparators.wrap("sam3", *tiny_sam3_detector()).find(noise(9, 9), " ")


def test_with_torchvision_its_own_preparation_of_images_is_used() -> None:
    """Where a build of torchvision that belongs to this torch is installed, and nowhere else."""
    try:
        import torchvision  # noqa: F401
        from transformers import Sam3ImageProcessor, Sam3Processor
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"no torchvision for this torch: {error}")
    hf, stand_in = tiny_sam3_detector()
    images = Sam3ImageProcessor(size={"height": SIDE, "width": SIDE})
    processor = Sam3Processor(images, stand_in.tokenizer)
    for size in SIZES:
        found = comparators.wrap("sam3", hf, processor).find(noise(*size), "a red cat")
        _, expected = direct(hf, processor, noise(*size).copy(), "a red cat")
        order = expected["scores"].argsort(descending=True, stable=True)
        assert np.array_equal(found.boxes, expected["boxes"][order].numpy())
        assert np.array_equal(found.mask, expected["masks"][order[0]].bool().numpy())
