"""Images side by side: the same records as one at a time, errors at the images that have them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from families import llava
from lvlms import made
from vlmscope.data.datasets import Dataset, EvalSample, open_dataset
from vlmscope.data.tiny_sets import make_tiny
from vlmscope.errors import BadOptionError, BadSampleError
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.scores import Evaluation
from vlmscope.models import LoadedModel

METHODS = ("mean-attention", "relative-attention")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("set") / "refcoco"
    make_tiny("refcoco", folder, 5)
    return open_dataset("refcoco", folder, split="val")


def run(
    data: Any, model: LoadedModel, rows: Path, batch: int, **more: Any
) -> tuple[Evaluation, list[dict[str, Any]]]:
    options = {"tasks": ["referring"], "progress": False, "rows": rows, **more}
    result = evaluate(data, model, choose(METHODS), batch=batch, **options)
    return result, [json.loads(line) for line in rows.read_text().splitlines()]


def check_alike(one: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]) -> None:
    for first, second in zip(one, other, strict=True):
        assert {k: v for k, v in first.items() if k != "score"} == {
            k: v for k, v in second.items() if k != "score"
        }
        assert first["score"] == pytest.approx(second["score"], rel=1e-4)


@dataclass
class Broken:
    """A data set of which some images cannot be loaded; says which were."""

    data: Dataset
    bad: tuple[str, ...]
    loaded: list[str]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.data, name)

    def load(self, image_id: str) -> EvalSample:
        self.loaded.append(image_id)
        if image_id in self.bad:
            raise BadSampleError(f"{image_id} is broken")
        return self.data.load(image_id)


class Sizes:
    """Batch sizes of the passes that hold an image."""

    def __init__(self, model: LoadedModel) -> None:
        self.sizes: list[int] = []
        self._hook = model.decoder.register_forward_pre_hook(self._entered, with_kwargs=True)

    def _entered(self, module: torch.nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        if kwargs.get("inputs_embeds") is not None:
            self.sizes.append(kwargs["inputs_embeds"].shape[0])

    def done(self) -> list[int]:
        self._hook.remove()
        return self.sizes


def test_records_are_those_of_one_image_at_a_time(data: Dataset, tmp_path: Path) -> None:
    model = made("qwen2-vl")
    plain, alone = run(data, model, tmp_path / "alone", 1)
    sizes = Sizes(model)
    result, rows = run(data, model, tmp_path / "rows", 3)
    assert sizes.done() == [3, 2]
    check_alike(rows, alone)
    assert result.protocol["batch"] == "3 images side by side" and "batch" not in plain.protocol


def test_families_that_cannot_share_a_prefix_run_as_ever(data: Dataset, tmp_path: Path) -> None:
    model = made("paligemma")
    _, alone = run(data, model, tmp_path / "alone", 1)
    _, rows = run(data, model, tmp_path / "rows", 2)
    check_alike(rows, alone)


def test_an_image_that_cannot_be_loaded_is_skipped_at_its_turn(
    data: Dataset, tmp_path: Path
) -> None:
    model, ids = llava(), list(data.image_ids)
    broken = Broken(data, (ids[1], ids[4]), [])
    result, rows = run(broken, model, tmp_path / "rows", 4)
    assert [each.image_id for each in result.skipped] == [ids[1], ids[4]]
    assert broken.loaded == ids
    plain, alone = run(Broken(data, broken.bad, []), model, tmp_path / "alone", 1)
    check_alike(rows, alone)
    assert result.skipped == plain.skipped


def test_what_is_in_the_state_is_not_loaded_again(data: Dataset, tmp_path: Path) -> None:
    model, ids, state = llava(), list(data.image_ids), tmp_path / "state.jsonl"
    run(data, model, tmp_path / "first", 2, resume=state, limit=2)
    counted = Broken(data, (), [])
    _, rows = run(counted, model, tmp_path / "rows", 2, resume=state)
    assert counted.loaded == ids[2:]
    _, alone = run(data, model, tmp_path / "alone", 1)
    check_alike(rows, alone)


def test_a_pass_that_fails_for_all_is_left_to_each(
    data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = llava()
    _, alone = run(data, model, tmp_path / "alone", 1)

    def refuse(*_: Any) -> Any:
        raise BadSampleError("one of them is too long")

    monkeypatch.setattr("vlmscope.evaluation.reads.shared_reads.read_of_images", refuse)
    _, rows = run(data, model, tmp_path / "rows", 2)
    assert rows == alone


@pytest.mark.parametrize("batch", [0, -1, True, 1.5, "2"])
def test_a_batch_that_is_none(data: Dataset, batch: Any) -> None:
    with pytest.raises(BadOptionError, match="side by side, got"):
        evaluate(data, llava(), choose(METHODS), batch=batch, progress=False)
