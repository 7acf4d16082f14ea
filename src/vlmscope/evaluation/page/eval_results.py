"""Entries for the ``.eval_results`` folder of a model on the Hugging Face hub.

The form is the hub's (``huggingface_hub.EvalResultEntry``): a list of ``{dataset: {id, task_id,
revision}, value, notes}``. An entry says whose leaderboard it belongs to, so a data set that is not on
the hub has none, and one that is rendered is never entered under the real one's name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from vlmscope.errors import BadOptionError
from vlmscope.evaluation.scores import Evaluation, RunScores
from vlmscope.io import write_text
from vlmscope.metrics.score import Score

__all__ = ["ENTERED", "HOMES", "check_home", "eval_result_entries", "write_eval_results"]

HOMES: Mapping[str, str] = MappingProxyType(
    {
        "refcoco-m": "moondream/refcoco-m",
        "ref-l4": "JierunChen/Ref-L4",
        "groundingme": "lirang04/GroundingME",
        "grefcoco": "FudanCVL/gRefCOCO",
    }
)
"""Id of a set -> where its publishers keep it on the hub, for one that was read from a folder."""

ENTERED = (
    *("Acc@0.5", "mAcc", "pointing", "RES oIoU", "RES mIoU", "Ref-L4 Acc@0.5", "Ref-L4 mAcc"),
    *("ReasonSeg gIoU", "ReasonSeg cIoU", "GRES gIoU", "GRES cIoU", "N_acc", "T_acc"),
    *("GREC F1=1", "absent AUC"),
)
"""The scores that are entered; all others stand in the report."""

_ADDRESS = re.compile(r"hf://datasets/(?P<id>[^/@]+/[^/@]+)(?:@(?P<revision>.+))?")


def check_home(protocol: Mapping[str, Any], id: str) -> tuple[str, str | None]:
    """(id, revision) of a data set on the hub.

    Args:
        protocol: of the data set.
        id: of its kind.

    Raises:
        BadOptionError: it is not known to be there.
    """
    if "rendered" in protocol:
        return f"rendered/{id}", None
    match = _ADDRESS.fullmatch(str(protocol.get("hub", "")))
    if match is not None:
        return match["id"], match["revision"]
    if id not in HOMES:
        raise BadOptionError(
            f"An entry of .eval_results names a data set of the hub, and none is known for {id} from a "
            "folder. Read it from the hub (--root hf://datasets/OWNER/NAME), or leave the entry out."
        )
    return HOMES[id], None


def eval_result_entries(evaluation: Evaluation) -> list[dict[str, Any]]:
    """One entry per run of the model and score of :data:`ENTERED`, as JSON values.

    Values are as in the report, 0..1; ``notes`` say run, interval, samples, heads, and where only a part
    of the split was measured. Runs of another model are left out: an entry belongs to its own model.

    Raises:
        BadOptionError: a data set that is not on the hub.
    """
    dataset = evaluation.protocol["dataset"]
    id, revision = check_home(dataset, dataset["id"])
    split = str(dataset.get("split", "")).removeprefix(dataset["id"]).strip()
    home = {"id": id, **({"revision": revision} if revision else {})}
    return [
        {
            "dataset": {**home, "task_id": _slug(f"{split} {score.metric}")},
            "value": score.interval.value,
            "notes": "; ".join(_notes(evaluation, run, score)),
        }
        for run in evaluation.runs
        if "checkpoint" not in run.setting  # a comparator: another model
        for score in run.scores
        if score.metric in ENTERED and score.interval is not None
    ]


def write_eval_results(evaluation: Evaluation, path: str | os.PathLike[str]) -> None:
    """Write the entries as YAML, whole or not at all, for ``.eval_results/NAME.yaml`` of a model.

    Raises:
        BadOptionError: as :func:`eval_result_entries`.
        OutputError: a place that cannot be written.
    """
    from huggingface_hub.utils import yaml_dump

    write_text(path, yaml_dump(eval_result_entries(evaluation), sort_keys=False))


def _notes(evaluation: Evaluation, run: RunScores, score: Score) -> Iterator[str]:
    dataset = evaluation.protocol["dataset"]
    if "rendered" in dataset:
        yield f"RENDERED: {dataset['rendered']}"
    if dataset.get("partial"):
        yield f"PARTIAL: {dataset['partial']}"
    limit = dataset.get("counts", {}).get("images")
    if limit is not None and evaluation.images < limit:
        yield f"PARTIAL: {evaluation.images:,} of {limit:,} images"
    yield f"{score.metric} of {run.label}, {dataset.get('split', dataset['id'])}"
    yield f"{score} ({evaluation.protocol['interval']})"
    yield f"{score.n:,} {score.unit} on {score.images:,} images"
    heads = run.setting.get("heads")
    if heads is not None:
        yield f"heads {', '.join(heads['heads'])}: {heads['credit']}"
    yield f"vlmscope {evaluation.protocol['software']['vlmscope']}"


def _slug(text: str) -> str:
    """``val Acc@0.5`` -> ``val_acc_0_5``."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
