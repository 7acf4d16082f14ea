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
    "post": _joined(
        _group("post/", "*", "tests/post"),
        _group("", "options", "tests/test_options.py"),
    ),
    "heads": _group(
        "heads/",
        "criteria selection measures",
        *("tests/heads/test_criteria.py", "tests/heads/test_selection.py"),
        "tests/heads/test_measures.py",
    ),
    "formulas": _joined(
        _group(
            "methods/encoder/",
            "gem clip_surgery maskclip clearclip sclip naclip clip_patches similarity window",
            *("tests/methods/encoder/test_formulas.py", "tests/methods/encoder/test_compare.py"),
            "tests/methods/encoder/test_window_plan.py",
        ),
        _group(
            "methods/decoder/",
            "mean_attention relative_attention attend_minus_mean",
            "tests/methods/decoder/test_map_formulas.py",
        ),
    ),
    "layout": _joined(
        _group(
            "models/layout/",
            "placement tiles anyres",
            "tests/models/layout/test_fitted_images.py",
            "tests/models/layout/test_tile_grids.py",
            "tests/models/layout/test_anyres.py",
            "tests/models/layout/test_anyres_checks.py",
        ),
        _group("models/decoders/", "padded_square", "tests/models/decoders/test_padded_squares.py"),
        _group("models/encoders/", "patches", "tests/models/encoders/test_patches.py"),
    ),
    "types": _group(
        "types/", "views tokens", "tests/types/test_views.py", "tests/types/test_tokens.py"
    ),
    "masks": _group(
        "attention/",
        "knockout rows kernels",
        *("tests/attention/test_blocked_edges.py", "tests/attention/test_kernels.py"),
        "tests/attention/test_rows.py",
    ),
    "metrics": _joined(
        _group("metrics/", "*", "tests/metrics", "tests/test_stats_ratios.py"),
        _group("", "stats", "tests/test_stats.py"),
        _group("types/", "boxes", "tests/types/test_boxes.py"),
        _group(
            "evaluation/",
            "confusion pixel_classes",
            *("tests/test_stats_ratios.py", "tests/evaluation/test_confusion.py"),
            "tests/evaluation/test_pixel_classes.py",
        ),
    ),
}
