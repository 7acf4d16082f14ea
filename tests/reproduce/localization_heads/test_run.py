"""The whole of it on a rendered set: what is measured, resumed, refused and left undecided."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from families import llava
from vlmscope.errors import BadOptionError, BadSampleError, ModelMismatchError
from vlmscope.models import LoadedModel
from vlmscope.reproduce.listeners import Listener
from vlmscope.reproduce.localization_heads import Scope, reproduce_localization_heads
from vlmscope.reproduce.reproductions import Reproduction


def run(model: LoadedModel, root: Path, folder: Path | None = None, **more: Any) -> Reproduction:
    return reproduce_localization_heads(
        [model.id], lambda name: model, root, more.pop("scope", None), folder=folder, **more
    )


def values(reproduction: Reproduction) -> Any:
    """Everything that is measured or said, through JSON."""
    return json.loads(json.dumps(reproduction.to_dict()))


def table(reproduction: Reproduction, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = values(reproduction)["tables"][name]["rows"]
    return rows


def test_a_run_that_is_stopped_repeats_nothing_and_loses_nothing(
    model: LoadedModel, root: Path, tmp_path: Path, reads: Any
) -> None:
    whole = run(model, root, tmp_path / "whole")
    passes, reads.done = reads.done, []
    assert len(passes) == sum(cost.passes for _, cost in whole.costs)
    for stop in (1, 5, len(passes) - 1):  # discovering, scoring, another prompt
        reads.stop = stop
        with pytest.raises(KeyboardInterrupt):
            run(model, root, tmp_path / "again")
    reads.stop = None
    again = run(model, root, tmp_path / "again")
    assert reads.done == passes
    assert values(again) == values(whole)
    run(model, root, tmp_path / "again")
    assert reads.done == passes  # a finished one computes nothing at all

    assert again.counts == {"confirmed": 0, "refuted": 0, "undecided": len(again.findings)}
    assert not again.skipped
    presets = {(row["prompt"], row["placement"]) for row in table(again, "conditions")}
    assert presets == {(a, b) for a in ("paper", "chat") for b in ("pad", "processor")}
    settings = {row["setting"] for row in table(again, "ablations")}
    assert {"one head", "five heads", "attention sum alone", "without smoothing"} <= settings
    assert "three heads chosen anew for each phrase" in settings
    assert {row["split"] for row in table(again, "models")} == {
        f"refcoco {split}" for split in ("val", "testA", "testB")
    }
    assert [row["of these in both"] for row in table(again, "images")] == [0, 0, 0]
    assert len(table(again, "ranks")) > 3
    heads = (tmp_path / "again" / "models" / "tiny-llava" / "heads.json").read_text("utf-8")
    assert json.loads(heads)["evidence"]["samples"] > 0
    assert json.loads(heads)["options"]["data"] == "refcoco train"  # reports credit it
    prompts = values(again)["protocol"]["models"]["tiny-llava"]["prompts"]
    assert prompts["paper"].endswith("<image>\nEXPRESSION")


def test_results_of_something_else_are_refused(
    model: LoadedModel, copied: Path, tmp_path: Path, reads: Any
) -> None:
    scope = Scope(limit=1)
    run(model, copied, tmp_path / "out", scope=scope)
    reads.done = []
    for changed in (Scope(limit=2), Scope(limit=1, seed=1), Scope(limit=1, full=True)):
        with pytest.raises(ModelMismatchError, match="were made with"):
            run(model, copied, tmp_path / "out", scope=changed)
    place = copied / "refcoco" / "instances.json"
    record = json.loads(place.read_text("utf-8"))
    record["annotations"][0]["bbox"][0] += 1
    place.write_text(json.dumps(record), "utf-8")
    with pytest.raises(ModelMismatchError, match="were made with data"):
        run(model, copied, tmp_path / "out", scope=scope)
    assert reads.done == []


def test_models_stand_side_by_side_and_a_limit_decides_nothing(
    model: LoadedModel, root: Path, tmp_path: Path
) -> None:
    other = llava("llama")
    models = {model.id: model, other.id: other}
    opened: list[str] = []

    def open_model(name: str) -> LoadedModel:
        opened.append(name)
        return models[name]

    told: list[tuple[str, int]] = []
    result = reproduce_localization_heads(
        list(models),
        open_model,
        root,
        Scope(limit=1),
        folder=tmp_path,
        listener=Listener(lambda title, costs: told.append((title, len(costs)))),
    )
    assert opened == list(models)
    assert [title for title, _ in told] == list(models)
    assert {row["model"] for row in table(result, "models")} == set(models)
    assert {finding.verdict.word for finding in result.findings} == {"undecided"}
    measured = [finding for finding in result.findings if finding.measurement.score is not None]
    assert measured
    assert all("only the first 1 images" in finding.verdict.reason for finding in measured)
    means = [each for each in result.findings if each.claim.id.startswith("mean")]
    assert all(each.measurement.model == ", ".join(models) for each in means)


def test_sets_that_lack_something_are_named(
    model: LoadedModel, copied: Path, tmp_path: Path
) -> None:
    shutil.copytree(copied / "refcoco", copied / "refcocoplus")
    picture = sorted((copied / "refcocoplus" / "train2014").iterdir())[2]  # the first of val
    picture.unlink()
    result = run(model, copied, scope=Scope(limit=1))
    by_id = {finding.claim.id: finding for finding in result.findings}
    lacking = by_id["acc@0.5-refcoco+-val-llava-1.5-7b"].verdict
    assert "1 of the 2 images" in lacking.reason
    assert by_id["acc@0.5-refcoco+-testa-llava-1.5-7b"].measurement.score is not None
    assert by_id["acc@0.5-refcocog-val-llava-1.5-7b"].verdict.reason == "refcocog is not there"
    assert any("refcocog is not there" in note for note in result.notes)
    assert [row["other"] for row in table(result, "sets")] == ["refcoco+ train"]


def test_an_image_that_cannot_be_read_is_skipped_and_said(model: LoadedModel, copied: Path) -> None:
    pictures = sorted((copied / "refcoco" / "train2014").iterdir())
    for picture in (pictures[0], pictures[2]):  # of train and of val
        picture.write_bytes(b"no picture")
    result = run(model, copied)
    lines = "\n".join(result.skipped)
    assert "discover.paper-pad.refcoco" in lines
    assert "score.paper-pad.refcoco.val" in lines
    assert all("refcoco.testA" not in line for line in result.skipped)
    first = result.findings[0]
    assert first.claim.dataset == "refcoco val"
    assert "1 of 2 images" in first.verdict.reason


def test_what_cannot_be_done_is_refused_before_a_model_is_opened(
    root: Path, copied: Path, tmp_path: Path
) -> None:
    def unopened(name: str) -> LoadedModel:
        raise AssertionError

    with pytest.raises(BadSampleError, match=r"None of the paper's sets.*refcoco is not there"):
        reproduce_localization_heads(["a"], unopened, tmp_path)
    with pytest.raises(BadOptionError, match="No model was named"):
        reproduce_localization_heads([], unopened, root)
    for picture in sorted((copied / "refcoco" / "train2014").iterdir())[:2]:
        picture.unlink()
    with pytest.raises(BadSampleError, match="no train split to discover heads on.*2 images"):
        reproduce_localization_heads(["a"], unopened, copied)
