"""Head sets on a hub, through its real client, from a hub on this machine.

The client reads the hub's address once, when it is imported, so everything happens in one process of
its own; each test looks at one part of what it reports.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from fake_hub import FakeHub, serving
from vlmscope.errors import BadHeadSetError
from vlmscope.stats import Interval
from vlmscope.types import Head, HeadEvidence, HeadFrequency, HeadSet

SESSION = textwrap.dedent(
    """
    import json, os, sys, time, urllib.request
    from dataclasses import replace
    from vlmscope.errors import VlmscopeError
    from vlmscope.types import Head, HeadSet

    time.sleep = lambda seconds: None  # the client asks again and waits, longer each time

    heads = HeadSet.load(sys.argv[1])

    def attempt(job):
        try:
            return job()
        except VlmscopeError as error:
            return {"error": type(error).__name__, "said": str(error)}

    def load(address):
        return attempt(lambda: HeadSet.load(address).to_dict())

    found = {}
    found["stranger"] = attempt(lambda: heads.push_to_hub("me/llava-heads", token="hf_stranger"))
    found["address"] = attempt(lambda: heads.push_to_hub("me/llava-heads", token="hf_mine"))
    found["loaded"] = load("hf://datasets/me/llava-heads")
    found["again"] = attempt(
        lambda: replace(heads, heads=(Head(9, 9),)).push_to_hub("me/llava-heads", token="hf_mine"))
    found["newest"] = load("hf://datasets/me/llava-heads")
    found["file"] = load("hf://datasets/me/llava-heads/heads.json")
    found["no file"] = load("hf://datasets/me/llava-heads/others.json")
    found["no branch"] = load("hf://datasets/me/llava-heads@nope")
    found["nobody"] = load("hf://datasets/me/nothing")
    found["bad name"] = attempt(lambda: heads.push_to_hub("no name at all", token="hf_mine"))
    urllib.request.urlopen(os.environ["HF_ENDPOINT"] + "/stop").read()
    found["cached"] = load("hf://datasets/me/llava-heads")
    found["unreachable"] = load("hf://datasets/me/never-seen")
    found["push unreachable"] = attempt(lambda: heads.push_to_hub("me/x", token="hf_mine"))
    print(json.dumps(found))
    """
)


def head_set() -> HeadSet:
    """A set with evidence, and with a name that would break a card that is put together carelessly."""
    interval = Interval(0.8, 0.7, 0.9)
    evidence = HeadEvidence(
        samples=120,
        pointing=interval,
        mean_iou=Interval(0.4, 0.3, 0.5),
        acc50=Interval(0.5, 0.4, 0.6),
        enrichment=Interval(6.0, 5.0, 7.0),
        chance_pointing=0.05,
        random_pointing=0.2,
        average_pointing=0.61,
    )
    return HeadSet(
        (Head(2, 1), Head(3, 0)),
        "me/llava | small",
        "sha256:0123456789abcdef",
        source="discovered",
        prompt="paper",
        samples=100,
        trials=5,
        tau=0.031,
        frequencies=(HeadFrequency(Head(2, 1), interval, 0.3, 1.5),),
        evidence=evidence,
        version="0.2.0",
        notes="Found on\nkitchens.",
    )


@pytest.fixture(scope="module")
def hub() -> FakeHub:
    return FakeHub({}, writers=frozenset({"hf_mine"}))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory, hub: FakeHub) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("head-hub")
    head_set().save(root / "heads.json")
    with serving(hub):
        environment = {
            **os.environ,
            "HF_ENDPOINT": hub.url,
            "HF_HOME": str(root / "cache"),
            "HF_HUB_OFFLINE": "0",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        command = [sys.executable, "-c", SESSION, str(root / "heads.json")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_what_is_pushed_is_what_is_loaded(session: dict[str, Any]) -> None:
    assert session["address"] == "hf://datasets/me/llava-heads"
    assert session["loaded"] == json.loads(json.dumps(head_set().to_dict()))


def test_a_second_push_writes_over_and_the_newest_is_loaded(session: dict[str, Any]) -> None:
    assert session["again"] == session["address"]
    assert session["newest"]["heads"] == [[9, 9]]
    assert session["file"] == session["newest"]


def test_the_card_stands_beside_the_heads(session: dict[str, Any], hub: FakeHub) -> None:
    repository = hub.repositories["me/llava-heads"]
    folder = repository.commits[repository.branches["main"]]
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "heads.json"]
    card = (folder / "README.md").read_text()
    assert 'heads="hf://datasets/me/llava-heads"' in card.replace("'", '"')
    commits = [line for line in hub.asked if "/commit/" in line and line.startswith("POST")]
    assert len(commits) == 2  # both files in one commit, twice


@pytest.mark.parametrize(
    ("case", "kind", "words"),
    [
        ("stranger", "OutputError", ["me/llava-heads", "hf auth login"]),
        ("bad name", "OutputError", ["no name at all"]),
        ("push unreachable", "OutputError", ["cannot be reached", "heads.save"]),
        ("no file", "BadHeadSetError", ["holds no others.json"]),
        ("no branch", "BadHeadSetError", ["no such revision"]),
        ("nobody", "BadHeadSetError", ["The hub knows no head set 'me/nothing'"]),
        ("unreachable", "BadHeadSetError", ["not in the local cache", "cannot be reached"]),
    ],
)
def test_what_cannot_be_is_one_sentence(
    session: dict[str, Any], case: str, kind: str, words: list[str]
) -> None:
    assert session[case]["error"] == kind
    for word in words:
        assert word in session[case]["said"]
    assert "\n" not in session[case]["said"]


def test_without_a_connection_the_cached_one_is_used(session: dict[str, Any]) -> None:
    assert session["cached"] == session["newest"]


@pytest.mark.parametrize(
    "address",
    ["hf://me/heads", "hf://datasets/heads", "hf://datasets/a/b/c.txt", "hf://models/a/b", "hf://"],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(BadHeadSetError, match="hf://datasets/OWNER/NAME"):
        HeadSet.load(address)


def test_no_address_is_taken_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(BadHeadSetError, match="local cache"):  # tests are offline
        HeadSet.load("hf://datasets/me/never-seen")
    assert not (tmp_path / "hf:").exists()


# the card


def test_the_card_says_what_the_evidence_says() -> None:
    card = head_set().card("hf://datasets/me/x")
    assert card.startswith('---\npretty_name: "Localization heads of me/llava | small"\ntags:\n')
    for words in (
        "L2H1, L3H0",
        "On 120 samples",
        "| pointing | 0.800 [0.700, 0.900] |",
        "| pointing by chance | 0.050 |",
        "| pointing of the average of all heads | 0.610 |",
        "| attention sum at least | 0.031 |",
        "| model | me/llava \\| small |",
        "| L2H1 | 0.800 [0.700, 0.900] | 0.300 |",
        "Found on kitchens.",
    ):
        assert words in card, words
    assert "no better than chance" not in card and "Not verified" not in card


def test_a_card_of_heads_that_nobody_measured_or_that_are_worth_nothing() -> None:
    from dataclasses import replace

    heads = head_set()
    assert "**Not verified**" in replace(heads, evidence=None).card()
    assert heads.evidence is not None
    poor = replace(heads.evidence, pointing=Interval(0.05, 0.0, 0.1))
    assert "**These heads are no better than chance" in replace(heads, evidence=poor).card()
