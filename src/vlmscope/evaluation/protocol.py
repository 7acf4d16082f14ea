"""What a report has to state: a number without its protocol is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from vlmscope.data.datasets import Dataset
from vlmscope.evaluation.evidence import SCORE, Decision, Evidence
from vlmscope.evaluation.tasks import Segmentation, SentenceTask, Task
from vlmscope.methods.encoder.protocols import FREE, SegmentationProtocol
from vlmscope.metrics import Threshold
from vlmscope.models import DualEncoder, LoadedModel
from vlmscope.models.encoders.given_texts import GivenTexts
from vlmscope.stats import LEVEL, RESAMPLES
from vlmscope.version import __version__

__all__ = ["left_out", "protocol_of", "state_header"]

# what a record of a state file holds; another word when that changes
_RECORDS = "rows with shares, pictures, rivals, questions"


def protocol_of(
    dataset: Dataset,
    model: LoadedModel | DualEncoder,
    tasks: Sequence[Task],
    seed: int,
    decisions: Mapping[str, Decision] | None = None,
    evidence: Evidence | None = None,
    ruled: SegmentationProtocol = FREE,
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
            **_given_texts(model),
        },
        "tasks": {task.id: _definition(task, ruled) for task in tasks},
        **_by_name(ruled, dataset.words.background),
        **({"evidence": evidence.definitions} if evidence and evidence.kinds else {}),
        **_decided(tasks, decisions or {}),
        "names": "the score of a class is that of the best of its names, patch by patch"
        + ("; segmentation: the probability of the best of its names" if ruled.fixed else ""),
        "interval": f"{LEVEL:.0%} percentile bootstrap over images, {RESAMPLES} resamples, "
        f"seed {seed}",
        "software": {
            "vlmscope": __version__,
            "torch": version("torch"),
            "transformers": version("transformers"),
        },
    }


def _by_name(ruled: SegmentationProtocol, background: str) -> dict[str, Any]:
    """Every number of a protocol that has a name."""
    if not ruled.fixed:
        return {}
    return {
        "protocol": {
            **ruled.to_dict(),
            "logit_scale": ruled.logit_scale or "the model's own",
            "background_class": background or "none",
        }
    }


def _definition(task: Task, ruled: SegmentationProtocol) -> str:
    return task.defined(ruled) if isinstance(task, Segmentation) else task.definition


def left_out(tasks: Sequence[Task]) -> list[str]:
    """Names of the scores that need a threshold."""
    return [name for task in tasks if isinstance(task, SentenceTask) for name in task.decided]


def _decided(tasks: Sequence[Task], decisions: Mapping[str, Decision]) -> dict[str, Any]:
    """By what a sentence is held to mean nothing, where a task asks for it."""
    names = left_out(tasks)
    if not names:
        return {}
    ruled = {label: _rule(each) for label, each in decisions.items() if each.ruled}
    by_rule = {"decided by rule": ruled} if ruled else {}
    chosen = {label: each for label, each in decisions.items() if not each.ruled}
    if chosen:
        return {"threshold": _chosen(chosen), **by_rule}
    if ruled:
        return by_rule
    return {"threshold": f"none, so these scores are left out: {', '.join(names)}"}


def _chosen(decisions: Mapping[str, Decision]) -> dict[str, Any]:
    values = {label: each.threshold.value for label, each in decisions.items()}
    [split] = {each.threshold.split for each in decisions.values()}
    [kind] = {each.kind for each in decisions.values()}
    by = {} if kind == SCORE else {"by": kind}
    return {"rule": Threshold.definition, **by, "chosen_on": split, "values": values}


def _rule(decision: Decision) -> str:
    return f"rejected where {decision.kind} is below {decision.threshold.value:g}; no threshold was chosen"


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
        **_given_texts(model),
    }


def _given_texts(model: LoadedModel | DualEncoder) -> dict[str, str]:
    """The digest of the text embeddings that a model was loaded with; empty for its own."""
    family = model.family
    return {"text_embeddings": family.digest} if isinstance(family, GivenTexts) else {}
