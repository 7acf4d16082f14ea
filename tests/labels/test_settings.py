"""What is asked of a job, and how it is told from another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vlmscope.errors import BadOptionError, BadPhraseError, UnknownNameError
from vlmscope.labels.settings import LabelSettings, ModelSettings, head_digest, phrases_of
from vlmscope.labels.sharing import Placing, Sharing
from vlmscope.types import Head, HeadSet


def test_phrases_as_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("a dog\n\n a cat \na dog\n")
    assert phrases_of("a dog, a cat,,a dog") == ("a dog", "a cat")
    assert phrases_of(str(tmp_path / "words.txt")) == ("a dog", "a cat")
    assert phrases_of(tmp_path / "words.txt") == ("a dog", "a cat")
    assert phrases_of(["a, with a comma"]) == ("a, with a comma",)


@pytest.mark.parametrize("phrases", ["", " , ", [], ["a", ""], ["a", 3], "missing.txt"])
def test_what_is_no_phrase(phrases: Any) -> None:
    with pytest.raises(BadPhraseError):
        phrases_of(phrases)


def test_a_head_file_is_told_by_what_is_in_it(tmp_path: Path) -> None:
    heads = HeadSet((Head(1, 2), Head(3, 4)), "m")
    heads.save(tmp_path / "h.json")

    def asked(value: Any) -> Any:
        return LabelSettings(("a",), heads=value).asked()["heads"]

    by_path = asked(str(tmp_path / "h.json"))
    HeadSet((Head(1, 2),), "m").save(tmp_path / "h.json")
    assert asked(str(tmp_path / "h.json")) != by_path
    assert asked("L1H2") == "L1H2"
    assert asked(heads) == head_digest(heads)
    assert head_digest(heads) != head_digest(HeadSet((Head(3, 4), Head(1, 2)), "m"))
    assert head_digest(heads) == head_digest(HeadSet(heads.heads, "m", notes="of the same heads"))


def test_the_device_changes_no_row() -> None:
    assert ModelSettings("m", device="cuda:1").asked() == ModelSettings("m").asked()
    assert ModelSettings("m", dtype="float16").asked() != ModelSettings("m").asked()


def test_a_process_takes_its_own_device_unless_one_was_chosen() -> None:
    assert ModelSettings("m").on("cuda:1").device == "cuda:1"
    assert ModelSettings("m", device="cpu").on("cuda:1").device == "cpu"


@pytest.mark.parametrize("value", [float("nan"), "0.5", True])
def test_a_least_score_is_a_number(value: Any) -> None:
    with pytest.raises(BadOptionError, match="least_score"):
        LabelSettings(("a",), least_score=value)


def test_how_work_is_shared_out() -> None:
    settings, model = LabelSettings(("a",)), ModelSettings("m", device="cpu")

    def sharing(workers: Any, *limits: Any) -> Sharing:
        return Sharing.of(Placing(workers=workers), *limits, settings, model)

    assert sharing(None, None, None).processes == 0
    assert sharing(1, None, None).processes == 0
    assert sharing(3, None, None).processes == 3
    assert sharing(1, None, 2.5).processes == 1  # only a process can be ended
    for wrong in ((0, None, None), (1.5, None, None), (1, 0, None), (1, None, 0)):
        with pytest.raises(BadOptionError):
            sharing(*wrong)


def test_how_work_goes_to_a_cluster() -> None:
    settings = LabelSettings(("a",))

    def gpus(device: str | None, place: Placing) -> bool | None:
        return Sharing.of(place, None, None, settings, ModelSettings("m", device=device)).gpus

    cluster = Placing(ray="auto")
    assert cluster.on_cluster and Placing("ray").on_cluster and not Placing().on_cluster
    assert (gpus(None, cluster), gpus("cpu", cluster), gpus("cuda", cluster)) == (None, False, True)
    with pytest.raises(BadOptionError, match="cpu or cuda on a cluster, got 'cuda:1'"):
        gpus("cuda:1", cluster)
    assert gpus("cuda:1", Placing()) is None
    with pytest.raises(BadOptionError, match="--executor local is none"):
        Placing("local", "auto")
    with pytest.raises(UnknownNameError, match="ray"):
        Placing("rya")
