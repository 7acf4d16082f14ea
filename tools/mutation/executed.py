"""Which test executes which line: a pytest plugin for one run on the files as they are."""

from __future__ import annotations

import functools
import gc
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

__all__ = ["Executed"]

Line = tuple[str, int]


class Executed:
    """Records the lines of some files by test.

    Lines that run while a fixture is set up count for every test that asks for the fixture, though it
    is set up once. Functions with a cache are emptied before each file of tests, so that what they
    run counts for a test of each.

    Attributes:
        lines: id of a test -> the (file, line) that it executes.
        seconds: id of a test -> how long it took, under this tracing.
        failed: ids of tests that failed.
    """

    def __init__(self, files: list[Path], repository: Path) -> None:
        self.lines: dict[str, set[Line]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        self.failed: list[str] = []
        self._watched = {str(path) for path in files}
        self._repository = str(repository)
        self._now: set[Line] = set()
        self._fixtures: dict[int, set[Line]] = {}
        self._asked: dict[str, list[int]] = {}
        self._file = ""

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in self._watched:
            return None
        self._now.add((frame.f_code.co_filename, frame.f_lineno))
        return self._local

    def _local(self, frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            self._now.add((frame.f_code.co_filename, frame.f_lineno))
        return self._local

    def _empty_caches(self) -> None:
        for each in gc.get_objects():
            if type(each) is functools._lru_cache_wrapper:
                code = getattr(each.__wrapped__, "__code__", None)
                if code is not None and code.co_filename.startswith(self._repository):
                    each.cache_clear()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        if str(item.path) != self._file:
            self._file = str(item.path)
            self._empty_caches()
        self._now = set()
        began = time.perf_counter()
        threading.settrace(self._trace)
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]
        self.seconds[item.nodeid] = time.perf_counter() - began
        self.lines[item.nodeid] |= self._now
        information = getattr(item, "_fixtureinfo", None)
        named = getattr(information, "name2fixturedefs", {})
        self._asked[item.nodeid] = [id(each) for found in named.values() for each in found]

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        before, self._now = self._now, set()
        yield
        self._fixtures.setdefault(id(fixturedef), set()).update(self._now)
        self._now |= before

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        for test, asked in self._asked.items():
            for fixture in asked:
                self.lines[test] |= self._fixtures.get(fixture, set())
