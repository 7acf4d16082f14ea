"""CITATION.cff holds what the Citation File Format 1.2.0 asks for, and names the papers."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAPERS = {"2312.00878", "2503.06287", "2411.17491"}


@pytest.fixture(scope="module")
def cited() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    return found


def test_required_keys_are_there(cited: dict[str, Any]) -> None:
    assert cited["cff-version"] == "1.2.0"
    assert cited["type"] == "software"
    assert cited["message"] and cited["title"]
    assert all("name" in each or "family-names" in each for each in cited["authors"])
    assert cited["authors"]


def test_version_and_date_are_those_of_a_release_in_the_changelog(cited: dict[str, Any]) -> None:
    assert isinstance(cited["date-released"], datetime.date)
    released = f"## [{cited['version']}] - {cited['date-released'].isoformat()}"
    assert released in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").splitlines()


def test_the_licence_is_that_of_the_package(cited: dict[str, Any]) -> None:
    assert f'license = "{cited["license"]}"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_every_paper_is_a_whole_reference(cited: dict[str, Any]) -> None:
    for paper in cited["references"]:
        assert paper["type"] == "conference-paper"
        assert paper["title"]
        assert 2024 <= paper["year"] <= 2025
        assert all({"family-names", "given-names"} <= set(each) for each in paper["authors"])
        assert paper["authors"]
        [number] = (each["value"].removeprefix("arXiv:") for each in paper["identifiers"])
        assert paper["url"] == f"https://arxiv.org/abs/{number}"
    assert {re.sub(r".*/", "", paper["url"]) for paper in cited["references"]} == PAPERS
