"""Our word lists of the sets, and those of the user: told by names, never by their order."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vlmscope.data.datasets import DATASETS, WordList, open_dataset
from vlmscope.data.datasets.label_maps.class_words import class_words, has_vocabularies, vocabulary
from vlmscope.errors import BadOptionError, BadPhraseError, UnknownNameError

CLASSES = {
    "voc21": 21,
    "voc20": 20,
    "context60": 60,
    "context59": 59,
    "ade20k": 150,
    "coco-stuff": 171,
    "coco-object": 81,
    "cityscapes": 19,
}
DIGESTS = {
    "voc21": ("083b674815277d23", "fa9c3ab321d4da59"),
    "voc20": ("da1377b72d3c41ff", "c1787c62333e7b32"),
    "context60": ("c316e3e9761b33f7", "c316e3e9761b33f7"),
    "context59": ("d46920aaa76d792a", "d46920aaa76d792a"),
    "ade20k": ("403bb21d46b05812", "168f2c5920b57cf9"),
    "coco-stuff": ("5feafb1bdcd3c078", "a82116f1ff03534a"),
    "coco-object": ("711d9ce9c8d7d6d0", "dc2a9af9fd932d96"),
    "cityscapes": ("2ecfbad64dd552c6", "3b63d2ae31e044a4"),
}
"""Of version 1, plain and field: a list that changes gets another version."""


@pytest.mark.parametrize("name", CLASSES)
def test_both_lists_have_the_same_classes_in_the_same_order(name: str) -> None:
    plain, field = vocabulary(name, "plain"), vocabulary(name, "field")
    assert len(plain) == len(field) == CLASSES[name]
    assert plain.labels == field.labels
    assert (
        plain.background
        == field.background
        == ("background" if CLASSES[name] in (21, 60, 81) else "")
    )
    assert (plain.title, plain.version) == (f"{name} plain", "1")
    assert all(len(names) == 1 for names in plain.classes.values())


@pytest.mark.parametrize("name", CLASSES)
def test_a_version_does_not_change(name: str) -> None:
    found = tuple(vocabulary(name, kind).digest for kind in ("plain", "field"))
    assert found == tuple(f"sha256:{digest}" for digest in DIGESTS[name])


def test_which_sets_have_them() -> None:
    assert {name for name in DATASETS.ids if has_vocabularies(name)} == set(CLASSES)
    with pytest.raises(UnknownNameError, match="Unknown vocabulary 'fields'"):
        vocabulary("voc21", "fields")


@pytest.mark.parametrize(("with_it", "without"), [("voc21", "voc20"), ("context60", "context59")])
@pytest.mark.parametrize("kind", ["plain", "field"])
def test_without_the_background_the_rest_is_the_same(with_it: str, without: str, kind: str) -> None:
    both = vocabulary(with_it, kind)
    assert both.only(both.labels[1:]).digest == vocabulary(without, kind).digest


def test_what_the_field_calls_them() -> None:
    field = vocabulary("voc21", "field").classes
    assert len(field["background"]) == 26 and field["background"][0] == "sky"
    assert field["boat"] == ("ship",) and len(field["person"]) == 7
    assert vocabulary("coco-object", "field").classes["background"] == field["background"]
    assert vocabulary("context60", "field").classes["background"] == ("background",)
    assert vocabulary("ade20k", "field").classes["traffic light"] == ("trafficlight",)
    assert vocabulary("coco-stuff", "plain").classes["wall-other"] == ("wall",)
    assert vocabulary("coco-stuff", "field").classes["wall-other"] == ("wall-other",)


def test_another_order_is_another_order_of_indices_and_no_other_truth() -> None:
    words = WordList.plain(["person", "aeroplane", "background"], "mine")
    chosen = class_words("voc21", words)
    assert chosen.labels == ("person", "aeroplane", "background")
    assert chosen.background == "background"
    assert class_words("voc21", words.only(["person"])).background == ""


def test_a_class_that_the_set_does_not_have(tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    path.write_text(json.dumps({"person": ["man"], "aeroplan": ["plane"]}))
    with pytest.raises(
        UnknownNameError, match=r"Unknown class 'aeroplan'. Did you mean 'aeroplane'"
    ):
        class_words("voc21", path)


def test_classes_that_are_called_by_each_others_names() -> None:
    """A list whose lines are in another order than its classes."""
    words = WordList("shifted", {"aeroplane": ("bicycle",), "bicycle": ("bird",)})
    with pytest.raises(
        BadOptionError, match=r"calls the class 'aeroplane' of voc21 'bicycle'.*order"
    ):
        class_words("voc21", words)


def test_a_file_of_the_same_name_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert class_words("voc20", "field").title == "voc20 field"
    Path("field").write_text('{"person": ["man"]}')
    with pytest.raises(BadOptionError, match=r"the vocabulary and a file.*\./field"):
        class_words("voc20", "field")
    assert class_words("voc20", "./field").labels == ("person",)


def test_sets_without_them_say_so(tmp_path: Path) -> None:
    with pytest.raises(
        BadOptionError, match="tiny-scenes has no vocabulary 'field'; these have: voc21"
    ):
        open_dataset("tiny-scenes", words="field")
    assert (
        open_dataset("tiny-scenes", words="plain").words.digest
        == open_dataset("tiny-scenes").words.digest
    )


def test_a_background_has_to_be_a_class(tmp_path: Path) -> None:
    path = tmp_path / "words.json"
    path.write_text(json.dumps({"background": "sky", "classes": {"person": ["man"]}}))
    with pytest.raises(BadPhraseError, match="'sky' of the word list words.json is none of its"):
        WordList.load(path)
    path.write_text(json.dumps({"background": "sky", "classes": {"person": "man", "sky": "sky"}}))
    words = WordList.load(path)
    assert words.background == "sky" and words.to_dict()["background"] == "sky"
    assert words.only(["person"]).background == ""
    assert "background" not in WordList.plain(["a"], "t").to_dict()
