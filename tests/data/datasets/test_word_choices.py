"""Word lists by name, several with commas: which is the set's own, and which are further ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vlmscope.data.datasets.label_maps.class_words import vocabulary
from vlmscope.data.datasets.word_choices import further_words, word_choices
from vlmscope.errors import BadOptionError, BadPhraseError, UnknownNameError


def test_what_is_asked_for() -> None:
    assert word_choices("voc21", None) == (None, ("field",))
    assert word_choices("coco-panoptic", None) == (None, ())
    assert word_choices("voc21", "plain") == ("plain", ())
    assert word_choices("voc21", "plain,field") == ("plain", ("field",))
    assert word_choices("voc21", "field, my/words.json") == ("field", ("my/words.json",))


def test_a_file_with_a_comma_in_its_name_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "a,b.json").write_text("{}")
    assert word_choices("voc21", str(tmp_path / "a,b.json")) == (str(tmp_path / "a,b.json"), ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("plain,plain", "Two word lists are called 'plain'"),
        ("a/words.json,b/words.json", r"called 'words' \(a/words.json and b/words.json\)"),
        ("plain,,field", "single commas"),
        ("plain,", "single commas"),
    ],
)
def test_two_of_one_name_are_refused(text: str, message: str) -> None:
    with pytest.raises(BadOptionError, match=message):
        word_choices("voc21", text)


def test_further_lists_are_read_as_the_first_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert further_words("voc21", ("field",)) == {"field": vocabulary("voc21", "field")}
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"cat": ["cat"], "dgo": ["dog"]}))
    with pytest.raises(UnknownNameError, match="dog"):
        further_words("voc21", (str(file),))
    assert further_words("coco-panoptic", (str(file),))["mine"].labels == ("cat", "dgo")
    with pytest.raises(BadOptionError, match="coco-panoptic has no vocabulary 'field'"):
        further_words("coco-panoptic", ("field",))
    with pytest.raises(BadPhraseError, match="Cannot read the word list"):
        further_words("voc21", (str(tmp_path / "no.json"),))
    monkeypatch.chdir(tmp_path)
    Path("field").write_text("{}")
    with pytest.raises(BadOptionError, match="names the vocabulary and a file"):
        further_words("voc21", ("field",))
    assert further_words("voc21", ("field",), asked=False)["field"].title  # nobody asked for a file
