"""The central modules, by what they are about: which files are changed, which tests must notice.

Tests that load a model family each are left out where smaller tests hold the same lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["GROUPS", "SOURCE", "Group"]

SOURCE = "src"


@dataclass(frozen=True)
class Group:
    """Some files of the package and their tests, as paths or patterns from the repository.

    Attributes:
        sources: files that are changed.
        tests: files or folders of tests.
    """

    sources: tuple[str, ...]
    tests: tuple[str, ...]

    def files(self, repository: Path) -> list[str]:
        """The files that the patterns name, in order.

        Raises:
            SystemExit: a pattern that names none, or tests that are not there.
        """
        found: dict[str, None] = {}
        for pattern in self.sources:
            named = sorted(repository.glob(pattern))
            if not named:
                raise SystemExit(
                    f"{pattern} names no file: the groups of {__name__} have to follow."
                )
            found |= {path.relative_to(repository).as_posix(): None for path in named}
        for test in self.tests:
            if not (repository / test).exists():
                raise SystemExit(f"{test} is not there: the groups of {__name__} have to follow.")
        return list(found)


def _group(home: str, names: str, *tests: str) -> Group:
    return Group(tuple(f"{SOURCE}/vlmscope/{home}{name}.py" for name in names.split()), tests)


def _joined(*groups: Group) -> Group:
    return Group(
        tuple(path for group in groups for path in group.sources),
        tuple(dict.fromkeys(path for group in groups for path in group.tests)),
    )


GROUPS: dict[str, Group] = {
    "post": _group("post/", "*", "tests/post"),
    "heads": _group(
        "methods/localization_heads/",
        "criteria selection measures",
        *("tests/methods/test_criteria.py", "tests/methods/test_selection.py"),
        "tests/methods/test_discover.py",
    ),
    "formulas": _joined(
        _group(
            "methods/",
            "gem clip_surgery maskclip clearclip sclip naclip clip_patches"
            " mean_attention relative_attention attend_minus_mean",
            *("tests/parity", "tests/methods/test_attention_methods.py"),
            *("tests/methods/test_mean_maps.py", "tests/methods/test_dense_parts.py"),
        ),
        _group(
            "methods/dense/",
            "similarity presence temperature window",
            *("tests/methods/test_presence.py", "tests/methods/test_window.py"),
            "tests/methods/test_segment.py",
        ),
    ),
    "layout": _joined(
        _group(
            "models/",
            "placement tiles square anyres patches",
            *("tests/models/test_geometry.py", "tests/models/test_tiles.py"),
            *("tests/models/test_square.py", "tests/models/test_tile_arrangements.py"),
            *("tests/models/test_tile_refusals.py", "tests/models/test_siglip2.py"),
        ),
        _group("types/", "painting tokens"),
    ),
    "masks": _group(
        "attention/",
        "knockout rows kernels",
        *("tests/attention/test_knockout.py", "tests/attention/test_capture.py"),
        *("tests/attention/test_box_rows.py", "tests/attention/test_sweep.py"),
    ),
    "metrics": _joined(
        _group(
            "evaluation/",
            "metrics resampling boxes roc confusion",
            *("tests/evaluation/test_metrics.py", "tests/evaluation/test_resampling.py"),
            *("tests/evaluation/test_confusion.py", "tests/evaluation/test_pixel_classes.py"),
            *("tests/evaluation/test_tasks.py", "tests/evaluation/test_report.py"),
        ),
        _group("", "stats", "tests/test_stats.py"),
    ),
}
