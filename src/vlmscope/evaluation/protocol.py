"""What a report has to state: a number without its protocol is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from vlmscope.data.datasets import Dataset
from vlmscope.evaluation.tasks import SentenceTask, Task
from vlmscope.metrics import Threshold
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.stats import LEVEL, RESAMPLES
from vlmscope.version import __version__

__all__ = ["left_out", "protocol_of", "state_header"]

_RECORDS = "rows"  # what a record of a state file holds; another word when that changes


def protocol_of(
    dataset: Dataset,
    model: LoadedModel | DualEncoder,
    tasks: Sequence[Task],
    seed: int,
    thresholds: Mapping[str, Threshold] | None = None,
) -> dict[str, Any]:
    """Everything that holds for all runs of an evaluation, as JSON values."""
    return {
        "dataset": {"id": dataset.id, "digest": dataset.digest, **dataset.protocol},
        "words": dataset.words.to_dict(),
        "model": {
            "id": model.id,
            "revision": model.revision,
            "family": model.family.id,
            "dtype": str(model.dtype).removeprefix("torch."),
            "quantisation": model.card.quantisation,
            "device": str(model.device),
        },
        "tasks": {task.id: task.definition for task in tasks},
        **_decision(tasks, thresholds),
        "names": "the score of a class is that of the best of its names, patch by patch",
        "interval": f"{LEVEL:.0%} percentile bootstrap over images, {RESAMPLES} resamples, "
        f"seed {seed}",
        "software": {
            "vlmscope": __version__,
            "torch": version("torch"),
            "transformers": version("transformers"),
        },
    }


def left_out(tasks: Sequence[Task]) -> list[str]:
    """Names of the scores that need a threshold."""
    return [name for task in tasks if isinstance(task, SentenceTask) for name in task.decided]


def _decision(tasks: Sequence[Task], thresholds: Mapping[str, Threshold] | None) -> dict[str, Any]:
    """By which threshold a sentence is held to mean nothing, where a task asks for it."""
    names = left_out(tasks)
    if not names:
        return {}
    if thresholds is None:
        return {"threshold": f"none, so these scores are left out: {', '.join(names)}"}
    values = {label: threshold.value for label, threshold in thresholds.items()}
    [split] = {threshold.split for threshold in thresholds.values()}
    return {"threshold": {"rule": Threshold.definition, "chosen_on": split, "values": values}}


def state_header(dataset: Dataset, model: LoadedModel | DualEncoder) -> dict[str, Any]:
    """What has to be the same for the results of two sessions to be put together."""
    return {
        "job": "evaluation",
        "records": _RECORDS,
        "version": __version__,
        "dataset": dataset.id,
        "digest": dataset.digest,
        "words": dataset.words.digest,
        "model": model.id,
        "revision": model.revision,
        "dtype": str(model.dtype),
        "quantisation": model.card.quantisation,
    }
