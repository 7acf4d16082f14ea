"""What every run of pytest shares here: its arguments, its environment, quick property tests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

__all__ = ["ARGUMENTS", "Chosen", "Quick", "environment"]

ARGUMENTS = (
    *("-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "-p", "no:xdist"),
    *("-o", "tmp_path_retention_policy=none"),
    # collects garbage five times at the end of a run: longer than most mutants take
    *("-p", "no:unraisableexception", "-p", "no:threadexception"),
)

_NO_COMPILED_CODE = "PYTHONDONTWRITEBYTECODE"  # then every mutant compiles the package again


def environment(repository: Path, source: str) -> dict[str, str]:
    """One thread, no network, the package from the folder ``source``."""
    paths = [str(repository / source), str(repository), str(Path(__file__).parents[2])]
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    kept = {name: value for name, value in os.environ.items() if name != _NO_COMPILED_CODE}
    return {
        **kept,
        **dict.fromkeys(threads, "1"),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths)),
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


class Quick:
    """Property tests draw the same examples each time and do not shrink the one that fails."""

    def pytest_configure(self) -> None:
        try:
            from hypothesis import HealthCheck, Phase, settings
        except ImportError:  # a package without property tests
            return
        settings.register_profile(
            "mutation",
            derandomize=True,
            database=None,
            deadline=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        settings.load_profile("mutation")


class Chosen:
    """Runs some tests in a given order, whatever else their files hold."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._places = {test: place for place, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._places]
        items[:] = sorted(chosen, key=lambda item: self._places[item.nodeid])
