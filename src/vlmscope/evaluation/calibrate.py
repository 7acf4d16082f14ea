"""Gives a local model its heads and its post-processing: writes ``heads.json`` and ``vlmscope.json``.

``python -m vlmscope.evaluation.calibrate tiny-llava`` does it for the embedded model:

1. heads are discovered, label-free, on the first half of the samples kept for choosing;
2. the post-processing is chosen on the second half;
3. both are judged on samples kept for reporting, beside the paper's post-processing.

The report goes to stdout as JSON, progress to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from vlmscope.errors import BadOptionError, UnsupportedError, VlmscopeError
from vlmscope.evaluation.calibration import Setting, calibrate_post
from vlmscope.evaluation.heads import verify_heads
from vlmscope.io import write_json
from vlmscope.methods import DiscoveryOptions, discover_heads
from vlmscope.models import LoadedModel, load
from vlmscope.post import PAPER
from vlmscope.samples import SampleSource, read_samples
from vlmscope.types import HeadEvidence

__all__ = ["calibrate", "main"]


def calibrate(
    model: LoadedModel,
    choosing: SampleSource,
    reporting: SampleSource,
    folder: Path,
    options: DiscoveryOptions | None = None,
    *,
    progress: bool = True,
) -> dict[str, Any]:
    """Discover, choose, judge, and write the outcome into the model's folder.

    Args:
        model: the model.
        choosing: samples with boxes or masks to discover and choose on.
        reporting: other samples to judge on.
        folder: of the checkpoint; ``heads.json`` is written, ``vlmscope.json`` gets the fields
            ``grounding`` and ``localization``.
        options: of discovery.
        progress: show bars on stderr.

    Returns:
        The field ``localization``: what was found, JSON values.

    Raises:
        BadSampleError: when a part of the samples cannot be used at all.
        OutputError: when the folder cannot be written.
    """
    half = len(choosing) // 2
    first, second = islice(choosing, half), islice(choosing, half, None)
    heads = discover_heads(model, first, options, progress=progress)
    tried = calibrate_post(model, heads, second, progress=progress)
    best = tried[0].options
    verified = verify_heads(model, heads, reporting, post=best, progress=progress)
    paper = verify_heads(model, heads, reporting, post=PAPER, progress=progress)
    report = {
        "heads": [str(head) for head in heads.heads],
        "tau": heads.tau,
        "chosen_on": [_summary(setting) for setting in tried[:3]],
        "held_out": _figures(verified.evidence),
        "held_out_paper": _figures(paper.evidence),
    }
    verified.save(folder / "heads.json")
    _write_card(folder, {"grounding": asdict(best), "localization": report})
    return report


def _summary(setting: Setting) -> dict[str, Any]:
    scores = {name: round(getattr(setting, name), 4) for name in ("mean_iou", "acc50", "pointing")}
    return {**asdict(setting.options), **scores}


def _figures(evidence: HeadEvidence | None) -> dict[str, Any]:
    if evidence is None:
        return {}
    intervals = {
        "pointing": evidence.pointing,
        "acc50": evidence.acc50,
        "mean_iou": evidence.mean_iou,
        "mask_iou": evidence.mask_iou,
        "enrichment": evidence.enrichment,
    }
    return {
        "samples": evidence.samples,
        **{name: _rounded(value) for name, value in intervals.items() if value is not None},
        "chance_pointing": round(evidence.chance_pointing, 4),
        "random_pointing": round(evidence.random_pointing or 0.0, 4),
        "average_pointing": round(evidence.average_pointing or 0.0, 4),
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(float(value), 4) for value in values]


def _write_card(folder: Path, fields: dict[str, Any]) -> None:
    path = folder / "vlmscope.json"
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    write_json(path, {**record, **fields})


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m vlmscope.evaluation.calibrate", description=__doc__.split("\n\n")[0]
    )
    parser.add_argument("model", help="an embedded id or the folder of a checkpoint")
    parser.add_argument("--samples", default="tiny-scenes:800", help="to choose on")
    parser.add_argument("--report-on", default="tiny-scenes:400", help="to judge on")
    parser.add_argument("--out", type=Path, help="folder to write to; default: the model's")
    parser.add_argument("--quiet", action="store_true", help="no progress bars")
    return parser.parse_args(words)


def _folder(model: LoadedModel, out: Path | None) -> Path:
    folder = out or Path(model.hf.name_or_path)
    if out is None and not (folder / "config.json").is_file():
        raise BadOptionError(
            f"{model.id} does not lie in a local folder, so there is no place for its heads. "
            "Name one: --out FOLDER"
        )
    return folder


def main(words: Sequence[str] | None = None) -> int:
    """Run the script; returns the exit code."""
    given = _arguments(words)
    try:
        model = load(given.model)
        if not isinstance(model, LoadedModel):
            raise UnsupportedError(f"{given.model} has no decoder, so it has no heads to find.")
        folder = _folder(model, given.out)
        choosing = read_samples(given.samples)
        reporting = read_samples(given.report_on, held_out=True)
        report = calibrate(model, choosing, reporting, folder, progress=not given.quiet)
    except VlmscopeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
