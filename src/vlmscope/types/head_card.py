"""A head set's card: what a stranger has to know before using it, made of its own evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vlmscope.stats import Interval

if TYPE_CHECKING:
    from vlmscope.types.heads import HeadEvidence, HeadSet

__all__ = ["head_card"]

_MOST_ROWS = 10


def head_card(heads: HeadSet, address: str) -> str:
    """Markdown with the front matter that the hub reads.

    Args:
        heads: the set.
        address: where it will be found, as ``heads=`` takes it.
    """
    name = _line(heads.model)
    parts = [
        _front_matter(name),
        f"# Localization heads of {name}",
        "A few attention heads of a frozen vision-language model that point at what the text refers to "
        "(Kang et al., CVPR 2025), for "
        "vlmscope: " + ", ".join(map(str, heads.heads)) + ".",
        _usage(name, address),
        "## Where they come from",
        _table(("", ""), _origin(heads)),
        "## What they are worth",
        *(_worth(heads.evidence) if heads.evidence else [_UNVERIFIED]),
    ]
    if heads.frequencies:
        parts += ["## Most frequent heads", _frequencies(heads)]
    if heads.notes:
        parts += ["## Notes", _line(heads.notes)]
    return "\n\n".join(parts) + "\n"


_UNVERIFIED = (
    "**Not verified**: nobody has measured them on samples with boxes. "
    "`vlmscope heads verify heads.json --samples samples.jsonl` does."
)


def _front_matter(model: str) -> str:
    # a JSON text is YAML
    title = json.dumps(f"Localization heads of {model}", ensure_ascii=False)
    tags = "".join(
        f"- {tag}\n" for tag in ("vlmscope", "localization-heads", "attention", "interpretability")
    )
    return f"---\npretty_name: {title}\ntags:\n{tags}---"


def _usage(model: str, address: str) -> str:
    return (
        "```python\nimport vlmscope as vs\n\n"
        f"model = vs.load({model!r})\n"
        f'vs.ground(model, "photo.jpg", "the red mug", heads={address!r})\n```'
    )


def _origin(heads: HeadSet) -> list[tuple[str, str]]:
    rows = [
        ("model", _line(heads.model)),
        ("revision or fingerprint of the weights", heads.revision or "not known"),
        ("source", heads.source),
        ("read-out row", str(heads.rows)),
        ("prompt", heads.prompt or "not known"),
    ]
    if heads.samples:
        rows.append(("samples", f"{heads.samples}, in {heads.trials} random draws"))
    if heads.tau is not None:
        rows.append(("attention sum at least", f"{heads.tau:.4g}"))
    for name in ("phrases", "quantisation"):
        if name in heads.options:
            rows.append((name, _line(str(heads.options[name]))))
    rows.append(("vlmscope", heads.version or "not known"))
    return rows


def _worth(evidence: HeadEvidence) -> list[str]:
    rivals, average = evidence.random_pointing, evidence.average_pointing
    rows = [
        ("pointing", _shown(evidence.pointing)),
        ("pointing by chance", f"{evidence.chance_pointing:.3f}"),
        ("pointing of as many random heads", "-" if rivals is None else f"{rivals:.3f}"),
        ("pointing of the average of all heads", "-" if average is None else f"{average:.3f}"),
        ("enrichment (1 is chance)", _shown(evidence.enrichment)),
        ("Acc@0.5 of boxes", _shown(evidence.acc50)),
        ("mean IoU of boxes", _shown(evidence.mean_iou)),
    ]
    if evidence.mask_iou is not None:
        rows.append(("mean IoU of masks", _shown(evidence.mask_iou)))
    parts = [
        f"On {evidence.samples} samples, with 95% intervals:",
        _table(("measure", "value"), rows),
    ]
    if not evidence.better_than_chance:
        parts.append("**These heads are no better than chance on these samples.**")
    return parts


def _frequencies(heads: HeadSet) -> str:
    rows = [
        (str(row.head), _shown(row.frequency), f"{row.attention_sum:.3f}")
        for row in heads.frequencies[:_MOST_ROWS]
    ]
    return _table(("head", "selected in share of samples", "attention on the image"), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines
    )


def _shown(interval: Interval) -> str:
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _line(text: str) -> str:
    return " ".join(text.split())
