"""Words of every script, by byte-level tokenizers trained here: tokens are held to their bytes."""

from __future__ import annotations

import unicodedata

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from vlmscope.analysis.tokens.words import merge_words

TEXTS = {
    "korean": "왼쪽에 있는 작은 빨간 원은 큰 파란 별 옆에 있다. 고양이와 강아지가 창문을 본다.",
    "japanese": "左にある小さな赤い円は、大きな青い星の隣です。窓辺のネコがイヌを見る。々",
    "devanagari": "बाईं ओर छोटा लाल वृत्त है, बड़ा नीला तारा दाईं ओर है। बिल्ली और कुत्ता खिड़की देखते हैं।",
    "tamil": "இடதுபுறத்தில் சிறிய சிவப்பு வட்டம் உள்ளது. பூனையும் நாயும் சன்னலைப் பார்க்கின்றன.",
    "arabic": "الدائرة الحمراء الصغيرة على اليسار، والنجمة الزرقاء الكبيرة على اليمين.",
    "hebrew": "העיגול האדום הקטן משמאל, הכוכב הכחול הגדול מימין. צה״ל",
    "russian": "Маленький красный круг слева, большая синяя звезда справа — кошка у окна.",
    "thai": "วงกลมสีแดงเล็กอยู่ทางซ้าย ดาวสีน้ำเงินใหญ่อยู่ทางขวา",
    "khmer": "រង្វង់ក្រហមតូចនៅខាងឆ្វេង ផ្កាយខៀវធំនៅខាងស្តាំ",
    "chinese": "左边的红色小圆，右边有一颗蓝色的大星星。𠮷野家",
    "mixed": "赤いiPhoneと blue-ish 星 naïve café 빨간 circle 3月",
    "english": "It's a well-known small red circle, on the left of the dog's star.",
}


def byte_level(text: str, merges: int) -> PreTrainedTokenizerFast:
    """GPT-2's kind, trained on the text itself."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + merges, initial_alphabet=alphabet, show_progress=False
    )
    inner.train_from_iterator([text], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=inner)


def byte_fallback(text: str) -> PreTrainedTokenizerFast:
    """Llama's kind: pieces of frequent letters, bytes for the others."""
    spaced = text.replace(" ", "▁")
    letters = sorted(set(spaced), key=lambda each: (each != "▁", -spaced.count(each), each))
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters[: len(letters) // 2]]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    inner = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never", split=False)
    inner.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return PreTrainedTokenizerFast(tokenizer_object=inner)


def byte_spans(tokenizer: PreTrainedTokenizerFast, ids: list[int]) -> list[tuple[int, int]]:
    """(start, end) bytes of each token in the text, from its name alone."""
    spans, start = [], 0
    for name in tokenizer.convert_ids_to_tokens(ids):
        is_byte = name.startswith("<0x")
        of_level = isinstance(tokenizer.backend_tokenizer.decoder, decoders.ByteLevel)
        size = len(name) if of_level else 1 if is_byte else len(name.replace("▁", " ").encode())
        spans.append((start, start + size))
        start += size
    return spans


def check(tokenizer: PreTrainedTokenizerFast, text: str) -> list[str]:
    """Every word has exactly the tokens that hold one of its bytes."""
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    decoded, words = merge_words(ids, tokenizer)
    assert decoded == text
    spans = byte_spans(tokenizer, ids)
    assert spans[-1][1] == len(text.encode())
    for word in words:
        first, last = len(text[: word.start].encode()), len(text[: word.end].encode())
        holding = [i for i, (start, end) in enumerate(spans) if start < last and end > first]
        assert list(word.tokens) == holding, word
    return [word.text for word in words]


@pytest.mark.parametrize("merges", [0, 20, 60, 200])
@pytest.mark.parametrize("script", TEXTS)
def test_byte_level_tokenizers(script: str, merges: int) -> None:
    words = check(byte_level(TEXTS[script], merges), TEXTS[script])
    letters = [each for each in TEXTS[script] if unicodedata.category(each)[0] in "LNM"]
    assert [each for each in "".join(words) if unicodedata.category(each)[0] in "LNM"] == letters


@pytest.mark.parametrize("script", TEXTS)
def test_byte_fallback(script: str) -> None:
    assert check(byte_fallback(TEXTS[script]), TEXTS[script])


@pytest.mark.parametrize(
    ("script", "word"),
    [("korean", "빨간"), ("devanagari", "वृत्त"), ("tamil", "வட்டம்"), ("hebrew", "צה״ל")],
)
def test_words_of_scripts_with_spaces_are_whole(script: str, word: str) -> None:
    for merges in (0, 20, 200):
        assert word in check(byte_level(TEXTS[script], merges), TEXTS[script])


@pytest.mark.parametrize("merges", [0, 30])
def test_signs_of_scripts_without_spaces_are_whole(merges: int) -> None:
    thai = check(byte_level(TEXTS["thai"], merges), TEXTS["thai"])
    assert not any(
        word[0] in "\u0e31\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e48\u0e49" for word in thai
    )
    khmer = check(byte_level(TEXTS["khmer"], merges), TEXTS["khmer"])
    assert not any(word.endswith("\u17d2") for word in khmer)


def test_latin_words_among_kana_are_whole() -> None:
    words = check(byte_level(TEXTS["mixed"], 0), TEXTS["mixed"])
    assert {"iPhone", "blue-ish", "naïve", "café", "빨간", "circle"} <= set(words)


def test_space_and_first_byte_in_one_token_begin_the_word() -> None:
    text = "अ क ख ग क ख"  # the space and the two bytes that all letters share become one token
    tokenizer = byte_level(text, 2)
    ids = tokenizer(text)["input_ids"]
    _, words = merge_words(ids, tokenizer)
    names = tokenizer.convert_ids_to_tokens(ids)
    assert all(names[word.tokens[0]].startswith("Ġ") for word in words[1:])
    assert all(len(names[word.tokens[0]]) > 1 for word in words[1:])
