"""Choosing a model's own post-processing, on samples kept apart for choosing.

As a script it gives a local model its heads and its post-processing: it writes ``heads.json`` and
``vlmscope.json``. ``python -m vlmscope.heads.calibrate tiny-llava`` does it for the embedded model:

1. heads are discovered, label-free, on the first half of the samples kept for choosing;
2. the post-processing is chosen on the second half;
3. both are judged on samples kept for reporting, beside the paper's post-processing.

The report goes to stdout as JSON, progress to stderr.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.attention import HeadMaps
from vlmscope.data.resume import SampleLog
from vlmscope.data.sample_lists import SampleSource, read_samples
from vlmscope.data.samples import Sample
from vlmscope.data.targets import Target, target_of
from vlmscope.errors import BadOptionError, UnsupportedError, VlmscopeError
from vlmscope.heads.choice import resolve_heads
from vlmscope.heads.discover import discover_heads
from vlmscope.heads.options import DiscoveryOptions
from vlmscope.heads.survey import survey
from vlmscope.heads.verify import verify_heads
from vlmscope.io import write_json
from vlmscope.metrics import contains
from vlmscope.models import LoadedModel, load
from vlmscope.post import PAPER, PostOptions, locate
from vlmscope.types import HeadEvidence, TokenMap
from vlmscope.types.boxes import box_iou

__all__ = ["Setting", "calibrate", "calibrate_post", "main", "settings_to_try"]


@dataclass(frozen=True)
class Setting:
    """How one setting of the post-processing did.

    Attributes:
        options: the setting.
        mean_iou: mean box IoU, 0..1.
        acc50: share of samples with box IoU of at least 0.5.
        pointing: share of samples whose peak lies inside the object.
    """

    options: PostOptions
    mean_iou: float
    acc50: float
    pointing: float

    @property
    def quality(self) -> float:
        """What settings are ranked by: box IoU and pointing alike, as users get box and point."""
        return (self.mean_iou + self.pointing) / 2


@dataclass(frozen=True, eq=False)
class _Case:
    token_map: TokenMap
    maps: NDArray[np.float64]  # (heads, tokens)
    target: Target


def settings_to_try() -> Iterator[PostOptions]:
    """The paper's setting, then its variants in smoothing, threshold and surface."""
    yield PAPER
    thresholds = [("mean", 0.4), ("otsu", 0.4)]
    thresholds += [("max-share", share) for share in (0.1, 0.2, 0.3, 0.4, 0.5)]
    sigmas = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
    for surface, sigma, (threshold, share) in itertools.product(
        ("grid", "pixels"), sigmas, thresholds
    ):
        yield PostOptions(sigma=sigma, threshold=threshold, share=share, surface=surface)


def calibrate_post(
    model: LoadedModel,
    heads: Any,
    samples: Iterable[Any],
    settings: Sequence[PostOptions] | None = None,
    *,
    progress: bool = True,
) -> tuple[Setting, ...]:
    """Try settings of the post-processing on the same maps, best first.

    Report the winner's figures on OTHER samples: on these it is the best of many.

    Args:
        model: the model.
        heads: anything that ``ground`` takes as heads.
        samples: with boxes or masks, as for :func:`vlmscope.heads.verify.verify_heads`; their maps
            are kept in memory.
        settings: what to try; default: :func:`settings_to_try`.
        progress: show a bar on stderr.

    Raises:
        BadHeadSetError: heads that the model does not have.
        BadSampleError: when no sample can be used.
    """
    chosen = resolve_heads(heads, model)
    cases: list[_Case] = []

    def keep(sample: Sample, maps: HeadMaps) -> dict[str, Any]:
        target = target_of(sample, maps.token_map.image_size)
        cases.append(_Case(maps.token_map, maps.one_row(), target))
        return {}

    def check(sample: Sample, pixels: NDArray[np.uint8], digest: str) -> None:
        target_of(sample, (pixels.shape[0], pixels.shape[1]))

    survey(
        model,
        samples,
        SampleLog(None, {}),
        keep,
        reading={"rows": chosen.rows, "preset": chosen.prompt, "heads": chosen.heads},
        check=check,
        progress=progress,
        title="reading maps",
    )
    tried = [_try(options, cases) for options in settings or settings_to_try()]
    return tuple(sorted(tried, key=lambda setting: -setting.quality))


def _try(options: PostOptions, cases: Sequence[_Case]) -> Setting:
    ious, hits = [], []
    for case in cases:
        located = locate(case.token_map, case.maps, options)
        ious.append(box_iou(located.box, case.target.box))
        hits.append(contains(case.target.shape, located.point))
    box_ious = np.array(ious)
    return Setting(
        options, float(box_ious.mean()), float((box_ious >= 0.5).mean()), float(np.mean(hits))
    )


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
        prog="python -m vlmscope.heads.calibrate", description=__doc__.split("\n\n")[0]
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
    arguments = _arguments(words)
    try:
        model = load(arguments.model)
        if not isinstance(model, LoadedModel):
            raise UnsupportedError(f"{arguments.model} has no decoder, so it has no heads to find.")
        folder = _folder(model, arguments.out)
        choosing = read_samples(arguments.samples)
        reporting = read_samples(arguments.report_on, held_out=True)
        report = calibrate(model, choosing, reporting, folder, progress=not arguments.quiet)
    except VlmscopeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
