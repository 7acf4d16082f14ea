"""Entries of ``.eval_results``: read by the hub's own code, and honest about what they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml, parse_eval_result_entries

from vlmscope.errors import BadOptionError
from vlmscope.evaluation.page.eval_results import (
    check_home,
    eval_result_entries,
    write_eval_results,
)
from vlmscope.evaluation.scores import Evaluation, RunScores
from vlmscope.metrics import Score
from vlmscope.stats import Interval

HEADS = {"heads": ["L2H0"], "credit": "discovered on train.jsonl, 400 samples"}


def made(**dataset: Any) -> Evaluation:
    """An evaluation that nobody ran."""
    protocol = {
        "dataset": {
            "id": "refcoco-m",
            "split": "refcoco-m val",
            "counts": {"images": 9},
            **dataset,
        },
        "model": {"id": "owner/model"},
        "interval": "95% of something",
        "software": {"vlmscope": "1.2.3"},
    }
    scores = (
        Score("Acc@0.5", Interval(0.5, 0.4, 0.6), 20, "sentences", 9),
        Score("centre", Interval(0.9, 0.8, 1.0), 20, "sentences", 9),
        Score("RES mIoU", None, 0, "sentences", 0),
    )
    runs = (
        RunScores("heads", "localization-heads", {"heads": HEADS}, scores),
        RunScores("detector", "grounding-dino", {"checkpoint": "other/model"}, scores),
    )
    return Evaluation(protocol, 9, (), runs)


def parsed(evaluation: Evaluation, path: Path) -> list[EvalResultEntry]:
    write_eval_results(evaluation, path)
    content = yaml.safe_load(path.read_text("utf-8"))
    entries = parse_eval_result_entries(content)
    assert eval_result_entries_to_yaml(entries) == content == eval_result_entries(evaluation)
    return entries


def test_the_hubs_own_code_reads_what_was_written(tmp_path: Path) -> None:
    address = f"hf://datasets/moondream/refcoco-m@{'a' * 40}"
    [entry] = parsed(made(hub=address), tmp_path / "deep" / "vlmscope.yaml")
    assert (entry.dataset_id, entry.task_id) == ("moondream/refcoco-m", "val_acc_0_5")
    assert (entry.value, entry.dataset_revision) == (0.5, "a" * 40)
    assert entry.notes == (
        "Acc@0.5 of heads, refcoco-m val; 0.500 [0.400, 0.600] (95% of something); 20 sentences on 9 "
        "images; heads L2H0: discovered on train.jsonl, 400 samples; vlmscope 1.2.3"
    )


def test_a_set_from_a_folder_is_entered_under_its_publishers_name(tmp_path: Path) -> None:
    [entry] = parsed(made(), tmp_path / "e.yaml")
    assert entry.dataset_id == "moondream/refcoco-m" and entry.dataset_revision is None


def test_a_rendered_set_is_never_entered_as_the_real_one(tmp_path: Path) -> None:
    [entry] = parsed(made(rendered="scenes"), tmp_path / "e.yaml")
    assert entry.dataset_id == "rendered/refcoco-m" and str(entry.notes).startswith(
        "RENDERED: scenes"
    )


def test_a_part_says_so_first(tmp_path: Path) -> None:
    [entry] = parsed(made(partial="12 of 40 sentences"), tmp_path / "e.yaml")
    assert str(entry.notes).startswith("PARTIAL: 12 of 40 sentences; ")
    [entry] = parsed(replace(made(), images=4), tmp_path / "e.yaml")
    assert str(entry.notes).startswith("PARTIAL: 4 of 9 images; ")


@pytest.mark.parametrize("id", ["refcoco", "jsonl", "coco-json"])
def test_a_set_that_is_not_on_the_hub_has_no_entry(id: str) -> None:
    with pytest.raises(BadOptionError, match=f"none is known for {id} from a folder"):
        check_home({"split": f"{id} val"}, id)
    assert check_home({"hub": "hf://datasets/a/b@c"}, id) == ("a/b", "c")
