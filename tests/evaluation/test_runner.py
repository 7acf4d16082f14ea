"""The runner: what it measures, what it skips, and that it never does a thing twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dual_families import clip, vit
from families import llava
from panoptic_folder import PanopticFolder, small_folder
from vlmscope.data.datasets import IGNORE, Dataset, WordList, open_dataset
from vlmscope.errors import (
    BadOptionError,
    BadSampleError,
    ModelMismatchError,
    UnknownNameError,
    UnsupportedError,
)
from vlmscope.evaluation import runner, shared_passes
from vlmscope.evaluation.confusion import confusion_counts, mean_iou
from vlmscope.evaluation.entrants.configured_methods import choose
from vlmscope.evaluation.runner import evaluate
from vlmscope.evaluation.scores import Evaluation
from vlmscope.methods import ground
from vlmscope.methods.segment import segment
from vlmscope.metrics import contains
from vlmscope.models import DualEncoder
from vlmscope.types import Head, HeadSet
from vlmscope.version import __version__

METHODS = ("gem", "clip", "maskclip")
WORDS = WordList("five", {"cat": ("cat", "small cat"), "bus": ("bus",), "zebra": ("dog",)})


@pytest.fixture
def folder(tmp_path: Path) -> PanopticFolder:
    return small_folder(tmp_path / "data")


@pytest.fixture
def data(folder: PanopticFolder) -> Dataset:
    return open_dataset("coco-panoptic", folder.write(), WORDS)


@pytest.fixture(scope="module")
def model() -> DualEncoder:
    return clip()


class Passes:
    """Counts the passes through the tower; stops the job before the one that is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs: list[int] = []
        self.stop_before: int | None = None
        inner = shared_passes.tokens_of_methods

        def counted(
            encoder: Any, values: Any, grid: Any, pairs: Sequence[Any], pooled: bool
        ) -> Any:
            if len(self.runs) == self.stop_before:
                raise KeyboardInterrupt
            self.runs.append(len(pairs))
            return inner(encoder, values, grid, pairs, pooled)

        monkeypatch.setattr(shared_passes, "tokens_of_methods", counted)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Passes:
    return Passes(monkeypatch)


def run(data: Dataset, model: Any, names: Sequence[str] = METHODS, **more: Any) -> Evaluation:
    return evaluate(data, model, choose(names), progress=False, **more)


# what it measures


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("which", ["classes", "phrases"])
def test_pointing_is_that_of_ground(
    data: Dataset, model: DualEncoder, name: str, which: str
) -> None:
    """Image by image, phrase by phrase, through the public function."""
    hits = []
    data = data if which == "classes" else open_dataset("tiny-scenes")
    for image_id in data.image_ids[:25]:
        sample = data.load(image_id)
        for referent in sample.referents:
            phrases = [str(each) for each in referent.names]
            found = ground(model, sample.image, phrases, name)
            best = max(found, key=lambda grounding: grounding.score)
            hits.append(contains(referent.target.shape, best.point))
    score = run(data, model, [name], limit=25, tasks=["pointing"])[name]["pointing"]
    assert score.n == len(hits)
    assert len(hits) == 4 or len(hits) > 60
    assert score.interval is not None
    assert score.interval.value == pytest.approx(np.mean(hits))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("options", [{}, {"refine_pixels": 4, "refine_side": 40}])
def test_miou_is_that_of_segment(
    data: Dataset, model: DualEncoder, name: str, options: dict[str, int]
) -> None:
    counts = []
    for image_id in data.image_ids:
        sample = data.load(image_id)
        assert sample.labels is not None
        classes = {label: [str(n) for n in names] for label, names in WORDS.classes.items()}
        labels = segment(model, sample.image, classes, name, **options).labels
        counts.append(confusion_counts(sample.labels, labels.astype(int), 3))
    found = evaluate(data, model, choose([name], {name: options}), progress=False)
    assert found[name]["mIoU"].interval == mean_iou([c for c in counts if c], 3)


def test_chance_is_the_share_of_tokens_inside(data: Dataset, model: DualEncoder) -> None:
    evaluation = evaluate(
        data, model, choose(["clip"], shared={"keep_ratio": False, "side": 32}), progress=False
    )
    shares = []
    for image_id in data.image_ids:
        for referent in data.load(image_id).referents:
            mask = referent.target.mask
            assert mask is not None
            rows = ((np.arange(4) + 0.5) * mask.shape[0] / 4).astype(int)
            columns = ((np.arange(4) + 0.5) * mask.shape[1] / 4).astype(int)
            shares.append(mask[np.ix_(rows, columns)].mean())
    interval = evaluation["clip"]["chance"].interval
    assert interval is not None
    assert interval.value == pytest.approx(np.mean(shares), abs=1e-6)


def test_classifiers_take_rows(folder: PanopticFolder) -> None:
    words = WordList("rows", {"cat": (0,), "bus": (2,), "zebra": (3,)})
    data = open_dataset("coco-panoptic", folder.write(), words)
    by_row = run(data, vit(), ["maskclip"])
    named = WordList("names", {"cat": ("tabby",), "bus": ("coach",), "zebra": ("zebra",)})
    by_name = run(open_dataset("coco-panoptic", folder.write(), named), vit(), ["maskclip"])
    assert by_row.runs[0].scores == by_name.runs[0].scores


def test_windows_go_their_own_way(data: Dataset, model: DualEncoder, counted: Passes) -> None:
    choices = choose(["gem", "gem@w"], {"gem@w": {"window": 32, "side": 48}})
    found = evaluate(data, model, choices, progress=False)
    assert set(counted.runs) == {1}
    assert "sliding windows of 32 pixels every 16" in found["gem@w"].setting["resize"]
    assert found["gem@w"].scores != found["gem"].scores


def test_methods_share_one_pass_per_size(
    data: Dataset, model: DualEncoder, counted: Passes
) -> None:
    choices = choose([*METHODS, "gem@big"], {"gem@big": {"side": 48}})
    evaluate(data, model, choices, progress=False)
    assert sorted(counted.runs) == [1] * 5 + [3] * 5


def test_images_without_anything_to_measure_cost_no_pass(
    data: Dataset, model: DualEncoder, counted: Passes
) -> None:
    run(data, model, tasks=["pointing", "segmentation"])
    assert len(counted.runs) == 4  # one of the five images holds no class of the list


def test_every_task_of_rendered_scenes(model: DualEncoder) -> None:
    found = run(open_dataset("tiny-scenes"), model, ["gem"], limit=3)
    metrics = [score.metric for score in found["gem"].scores]
    assert metrics[:3] == ["pointing", "chance", "mIoU"]
    assert {"presence AUC", "peak AUC", "RES oIoU", "RES mIoU", "Acc@0.5"} < set(metrics)
    assert all(score.interval is not None for score in found["gem"].scores)


def test_methods_that_answer_phrase_by_phrase(folder: PanopticFolder, tmp_path: Path) -> None:
    """Localization heads of an LVLM point as ground points, and compare no classes."""
    words = WordList.plain(["cat", "bus", "zebra"], "three")
    data = open_dataset("coco-panoptic", folder.write(), words)
    model, choices = _with_heads(tmp_path), choose(["localization-heads"])
    found = evaluate(data, model, choices, progress=False)
    assert list(found.protocol["tasks"]) == ["pointing"]
    hits, areas = [], []
    for image_id in data.image_ids:
        sample = data.load(image_id)
        for referent in sample.referents:
            grounding = ground(model, sample.image, referent.label)
            hits.append(contains(referent.target.shape, grounding.point))
            assert referent.target.mask is not None
            areas.append(referent.target.mask.mean())
    pointing, chance = found["localization-heads"].scores
    assert pointing.interval is not None and chance.interval is not None
    assert pointing.interval.value == pytest.approx(np.mean(hits))
    assert chance.interval.value == pytest.approx(np.mean(areas), abs=1e-6)


def test_methods_that_answer_phrase_by_phrase_refuse_what_they_cannot(
    data: Dataset, tmp_path: Path
) -> None:
    model, choices = _with_heads(tmp_path), choose(["localization-heads"])
    with pytest.raises(UnsupportedError, match="segmentation compares classes"):
        evaluate(data, model, choices, tasks=["segmentation"], progress=False)
    with pytest.raises(UnsupportedError, match="best of several names, got cat, small cat"):
        evaluate(data, model, choices, progress=False)


def _with_heads(tmp_path: Path) -> Any:
    """A random LLaVA with heads that ship with it."""
    model = llava("llama")
    path = tmp_path / "heads.json"
    HeadSet(heads=(Head(1, 2), Head(2, 3)), model=model.id).save(path)
    return replace(model, card=replace(model.card, heads=path))


# what it skips


def test_spoiled_images_are_skipped_said_and_counted(
    folder: PanopticFolder, model: DualEncoder
) -> None:
    clean = run(open_dataset("coco-panoptic", folder.write(), WORDS), model)
    folder.png(9).write_text("no picture")
    folder.image(21).unlink()
    folder.content["annotations"][2]["segments_info"] = None
    found = run(open_dataset("coco-panoptic", folder.write(), WORDS), model)
    assert {s.image_id for s in found.skipped} == {"9", "12", "21"}
    assert all(s.reason for s in found.skipped)
    assert (clean.images, found.images) == (5, 2)
    assert found["gem"]["pointing"].images == 1


def test_an_image_too_long_for_the_tower_is_one_more_bad_image(
    folder: PanopticFolder, model: DualEncoder
) -> None:
    folder.add(30, [(1, 6, (0, 0, 9000, 1))], size=(1, 20_000))
    found = run(open_dataset("coco-panoptic", folder.write(), WORDS), model, ["clip"])
    [skipped] = found.skipped
    assert skipped.image_id == "30"
    assert "patches, more than" in skipped.reason


def test_no_usable_image_is_an_error(folder: PanopticFolder, model: DualEncoder) -> None:
    for number in (7, 9, 12, 13, 21):
        folder.image(number).write_text("no picture")
    with pytest.raises(BadSampleError, match="None of 5 images.*The first: 7: .*not an image"):
        run(open_dataset("coco-panoptic", folder.write(), WORDS), model)


@pytest.mark.parametrize("limit", [0, -1, True])
def test_a_limit_below_one_is_refused(data: Dataset, model: DualEncoder, limit: int) -> None:
    with pytest.raises(BadOptionError, match="limit must be at least 1"):
        run(data, model, limit=limit)


def test_tasks_are_those_of_the_data_set(data: Dataset, model: DualEncoder) -> None:
    with pytest.raises(UnknownNameError, match="task 'pointin'.*'pointing'"):
        run(data, model, tasks=["pointin"])
    with pytest.raises(UnknownNameError, match="task 'referring'"):
        run(data, model, tasks=["referring"])
    with pytest.raises(BadOptionError, match="coco-panoptic has: pointing"):
        run(data, model, tasks=[])
    only = run(data, model, ["clip"], tasks=["pointing"])
    assert [score.metric for score in only["clip"].scores] == ["pointing", "chance"]


def test_a_limit_takes_the_first_images(data: Dataset, model: DualEncoder) -> None:
    found = run(data, model, limit=2)
    assert found.images == 2
    assert found["gem"]["pointing"].n == 2


# resuming


def test_an_interrupted_job_goes_on_where_it_stopped(
    data: Dataset, model: DualEncoder, counted: Passes, tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"
    whole = run(data, model)
    assert len(counted.runs) == 5
    counted.runs.clear()
    counted.stop_before = 2
    with pytest.raises(KeyboardInterrupt):
        run(data, model, resume=state)
    assert len(counted.runs) == 2
    with state.open("a") as stream:
        stream.write('{"id": "12 to')  # the line that a kill tears
    counted.stop_before = None
    resumed = run(data, model, resume=state)
    assert len(counted.runs) == 5  # two and three: nothing twice
    assert resumed == whole
    run(data, model, resume=state)
    assert len(counted.runs) == 5


def test_finished_images_are_not_even_opened(
    data: Dataset, model: DualEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state.jsonl"
    first = run(data, model, resume=state)
    monkeypatch.setattr(type(data), "load", lambda *_: pytest.fail("an image was opened"))
    assert run(data, model, resume=state) == first


def test_a_method_that_is_added_is_the_only_one_computed(
    data: Dataset, model: DualEncoder, counted: Passes, tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"
    run(data, model, ["gem", "clip"], resume=state)
    counted.runs.clear()
    found = run(data, model, ["gem", "naclip", "clip"], resume=state)
    assert counted.runs == [1] * 5
    assert found == run(data, model, ["gem", "naclip", "clip"])


def test_an_option_that_changes_is_computed_anew(
    data: Dataset, model: DualEncoder, counted: Passes, tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"
    run(data, model, ["gem"], resume=state)
    counted.runs.clear()
    choices = choose(["gem"], {"gem": {"iterations": 0}})
    evaluate(data, model, choices, resume=state, progress=False)
    assert counted.runs == [1] * 5


def test_a_state_of_something_else_is_refused(
    data: Dataset, folder: PanopticFolder, model: DualEncoder, tmp_path: Path
) -> None:
    state = tmp_path / "state.jsonl"
    run(data, model, resume=state)
    other = open_dataset("coco-panoptic", folder.write(), WordList.plain(["cat", "bus"], "two"))
    with pytest.raises(ModelMismatchError, match="words"):
        run(other, model, resume=state)
    folder.content["annotations"].pop()
    with pytest.raises(ModelMismatchError, match="digest"):
        run(open_dataset("coco-panoptic", folder.write(), WORDS), model, resume=state)


def test_a_state_of_another_model_is_refused(folder: PanopticFolder, tmp_path: Path) -> None:
    state, words = tmp_path / "state.jsonl", WordList("sky", {"sky-other-merged": ("sky",)})
    data = open_dataset("coco-panoptic", folder.write(), words)
    run(data, clip(), resume=state)
    with pytest.raises(ModelMismatchError, match="model 'random-clip', now it is 'random-vit'"):
        run(data, vit(), resume=state)


def test_a_state_of_another_version_is_refused(
    data: Dataset, model: DualEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state.jsonl"
    run(data, model, resume=state)
    monkeypatch.setattr("vlmscope.evaluation.protocol.__version__", "9.9")
    with pytest.raises(ModelMismatchError, match=f"version '{__version__}', now it is '9.9'"):
        run(data, model, resume=state)


def test_progress_shows_on_stderr(
    data: Dataset, model: DualEncoder, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(data, model, choose(["clip"]), limit=2)
    captured = capsys.readouterr()
    assert "2/2" in captured.err
    assert captured.out == ""


def test_truth_reaches_the_report(data: Dataset, model: DualEncoder) -> None:
    found = run(data, model)
    assert found.protocol["words"]["digest"] == WORDS.digest
    assert found.protocol["model"]["id"] == "random-clip"
    assert runner.TASKS.get("pointing").definition == found.protocol["tasks"]["pointing"]
    assert IGNORE not in range(len(WORDS))
