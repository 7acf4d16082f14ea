"""Word lists: read, digested, refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dual_families import clip, vit
from vlmscope.data.datasets import WordList
from vlmscope.errors import BadPhraseError, UnknownNameError, UnsupportedError
from vlmscope.evaluation.words.vocabulary import Vocabulary, texts_of


def write(tmp_path: Path, content: Any, name: str = "words.json") -> Path:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_plain_file_maps_classes_to_names(tmp_path: Path) -> None:
    words = WordList.load(write(tmp_path, {"dog": ["dog", "puppy"], "cat": "cat", "bus": [3, 4]}))
    assert words.classes == {"dog": ("dog", "puppy"), "cat": ("cat",), "bus": (3, 4)}
    assert words.title == "words.json"
    assert words.to_dict()["classes"] == 3
    assert words.to_dict()["names"] == 5


def test_a_file_may_state_name_and_version(tmp_path: Path) -> None:
    content = {"name": "voc21-renamed", "version": "2", "classes": {"dog": ["dog"]}}
    words = WordList.load(write(tmp_path, content))
    assert (words.title, words.version, words.labels) == ("voc21-renamed", "2", ("dog",))


def test_a_text_file_is_read_as_segment_reads_it(tmp_path: Path) -> None:
    words = WordList.load(write(tmp_path, "dog\nperson: man|woman\n", "words.txt"))
    assert words.classes == {"dog": ("dog",), "person": ("man", "woman")}


def test_the_digest_is_of_classes_names_and_order_alone() -> None:
    one = WordList("a", {"x": ("1",), "y": ("2",)})
    assert one.digest == WordList("b", {"x": ("1",), "y": ("2",)}, "7").digest
    assert one.digest != WordList("a", {"y": ("2",), "x": ("1",)}).digest
    assert one.digest != WordList("a", {"x": ("1",), "y": ("3",)}).digest
    assert one.digest != WordList("a", {"x": (1,), "y": ("2",)}).digest


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "Cannot read the word list"),
        ("[]", "must be a JSON object"),
        ({}, "has no class"),
        ({"dog": []}, "has no names"),
        ({"dog": [""]}, "is ''"),
        ({"dog": [-1]}, "is -1"),
        ({"dog": [True]}, "is True"),
        ({"dog": [0.5]}, "is 0.5"),
        ({"dog": ["a", "a"]}, "has a name twice"),
        ({" ": ["a"]}, "a class without a name"),
        ('{"dog": ["a"], "dog": ["b"]}', "occurs twice"),
    ],
)
def test_a_spoiled_file_is_refused(tmp_path: Path, content: Any, reason: str) -> None:
    with pytest.raises(BadPhraseError, match=reason):
        WordList.load(write(tmp_path, content))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPhraseError, match="none.json: No such file"):
        WordList.load(tmp_path / "none.json")


def test_rows_of_a_classifier_become_labels() -> None:
    assert texts_of(vit(), ("sky", 3, 2)) == ("sky", "zebra", "bus, coach")


def test_rows_need_a_classifier_that_has_them() -> None:
    with pytest.raises(BadPhraseError, match="row 6.*has 6 rows"):
        texts_of(vit(), (6,))
    with pytest.raises(UnsupportedError, match="rows of a classifier"):
        texts_of(clip(), (0,))


def test_a_row_that_shares_its_label_is_refused() -> None:
    """Labels are looked up by text, so the other row would be measured unseen."""
    model = vit()
    model.hf.config.id2label = {**model.hf.config.id2label, 4: "zebra"}
    assert texts_of(model, (3,)) == ("zebra",)
    with pytest.raises(BadPhraseError, match="Row 4.*so has row 3"):
        texts_of(model, (4,))


def test_a_vocabulary_finds_unknown_labels_before_any_image() -> None:
    with pytest.raises(UnknownNameError, match="label 'zebras'.*'zebra'"):
        Vocabulary.of(vit(), WordList.plain(["sky", "zebras"], "wrong"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"cat": ["x"]}'.encode("utf-16"), "it is UTF-16 and not UTF-8 text, save it as UTF-8"),
        (b'{"cat":\n["\xe9"]}', r"not UTF-8 text \(byte 0xe9 in line 2\)"),
        (b'{"cat": ["' + b"x" * 50_000_000 + b'"]}', "50,000,000 characters .* at most 10,000"),
        (b'{"' + b"x" * 10_001 + b'": ["cat"]}', "10,001 characters"),
    ],
)
def test_files_that_no_encoder_could_be_asked_about(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "words.json"
    path.write_bytes(content)
    with pytest.raises(BadPhraseError, match=reason) as caught:
        WordList.load(path)
    assert len(str(caught.value)) < 500
