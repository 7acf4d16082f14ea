"""The viewer that ships is the one that viewer/ builds; no Node is needed to notice that it is not."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "viewer"
BUNDLE = ROOT / "src/vlmscope/viewer/bundle"
LARGEST_SCRIPT = 300_000
"""Bytes."""

FILES = ("viewer.js", "viewer.css")
OTHERS = (
    "package-lock.json",
    "vite.config.ts",
    "bundling/digest.ts",
    "../src/vlmscope/viz/colours.json",
)
"""What decides about the bundle besides viewer/src: the list of viewer/bundling/digest.ts."""


def digest_of_the_sources() -> str:
    """As viewer/bundling/digest.ts counts: name, zero, bytes, zero of each file, sorted by name."""
    inside = [path.relative_to(SOURCE).as_posix() for path in (SOURCE / "src").rglob("*")]
    names = sorted([name for name in inside if (SOURCE / name).is_file()] + list(OTHERS))
    state = hashlib.sha256()
    for name in names:
        state.update(name.encode() + b"\0" + (SOURCE / name).read_bytes() + b"\0")
    return state.hexdigest()


@pytest.mark.parametrize("name", FILES)
def test_it_was_built_from_these_sources(name: str) -> None:
    head = (BUNDLE / name).read_text(encoding="utf-8")[:400]
    found = re.search(r"sources sha256: ([0-9a-f]{64}) \*/", head)
    assert found, head
    assert found[1] == digest_of_the_sources(), "run `make viewer` and commit the bundle"


@pytest.mark.parametrize("name", FILES)
def test_it_says_where_it_comes_from(name: str) -> None:
    head = (BUNDLE / name).read_text(encoding="utf-8").split("*/")[0]
    assert "Built from viewer/" in head
    assert "SPDX-License-Identifier: Apache-2.0" in head


def test_the_digest_counts_the_same_files_in_both_languages() -> None:
    listed = (SOURCE / "bundling/digest.ts").read_text(encoding="utf-8")
    inside = re.search(r"const OTHERS = \[(.*?)\]", listed, re.DOTALL)
    assert inside
    assert tuple(re.findall(r'"(.+?)"', inside[1])) == OTHERS


def test_it_is_small() -> None:
    assert (BUNDLE / "viewer.js").stat().st_size <= LARGEST_SCRIPT


def test_it_can_stand_inside_a_page() -> None:
    script = (BUNDLE / "viewer.js").read_text(encoding="utf-8").lower()
    style = (BUNDLE / "viewer.css").read_text(encoding="utf-8").lower()
    assert "</script" not in script
    assert "<!--" not in script
    assert "</style" not in style


def test_it_loads_nothing() -> None:
    script = (BUNDLE / "viewer.js").read_text(encoding="utf-8")
    style = (BUNDLE / "viewer.css").read_text(encoding="utf-8")
    addresses = set(re.findall(r"https?://[\w./-]+", script + style))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name of a language, never asked for
    assert "@import" not in style
    assert not re.search(r"url\((?!#)", style)
    assert not re.search(r"(^|[\s;}])import[\s{*\"'`]", script)


def test_nothing_else_lies_beside_it() -> None:
    assert {path.name for path in BUNDLE.iterdir()} == set(FILES)
