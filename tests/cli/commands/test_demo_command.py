"""``vlmscope demo``: one command, one page, figures on stdout."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from vlmscope.types import HeadSet

SMALL = ["--discovery", "12", "--verification", "6", "--sheet", "3", "--search", "2"]


def test_demo_writes_a_page_and_the_heads(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "demo"
    result = run("demo", "--out", out, *SMALL)
    assert result.code == 0, result.err
    assert sorted(path.name for path in out.iterdir()) == ["heads.json", "index.html", "scene.png"]
    heads = HeadSet.load(out / "heads.json")
    assert heads.samples == 12
    assert heads.evidence is not None
    assert heads.evidence.samples == 6
    assert (out / "index.html").resolve().as_uri() in result.out
    assert "1/4" in result.err
    assert "4/4" in result.err
    suggested = shlex.split(result.err.splitlines()[-1].partition("vlmscope ")[2])
    then = run(*suggested, "--json")
    assert then.code == 0, then.err
    assert (out / "overlay.png").is_file()
    assert json.loads(then.out)["groundings"][0]["image_size"] == {"height": 128, "width": 128}


def test_demo_as_json(run: Any, tmp_path: Path) -> None:
    result = run("demo", "--out", tmp_path / "d", "--json", "--quiet", *SMALL)
    record = json.loads(result.out)
    assert result.err == ""
    assert Path(record["page"]).is_file()
    assert record["evidence"]["samples"] == 6
    assert len(record["set"]) == 3


def test_demo_refuses_before_it_computes(refused: Any) -> None:
    refused(["demo", "--out", "/proc/none"], "Cannot write /proc/none")
    refused(["demo", "--discovery", "0"], "discovery", "0")
