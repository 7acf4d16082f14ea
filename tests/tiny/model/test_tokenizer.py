import random
from itertools import islice

import pytest

from vlmscope.tiny import render_scene
from vlmscope.tiny.model.tokenizer import (
    BOS,
    EOS,
    IMAGE,
    PAD,
    UNK,
    build_tokenizer,
    encode,
    vocabulary,
)
from vlmscope.tiny.training.packing import prefix_ids
from vlmscope.tiny.world.language import exchanges
from vlmscope.tiny.world.words import SYSTEM

TABLE = {word: index for index, word in enumerate(vocabulary())}


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


def test_special_tokens_have_their_ids(tokenizer):
    assert tokenizer.pad_token_id == PAD and tokenizer.bos_token_id == BOS
    assert tokenizer.eos_token_id == EOS and tokenizer.unk_token_id == UNK
    assert tokenizer.convert_tokens_to_ids("<image>") == IMAGE
    assert len(tokenizer) == len(vocabulary()) == len(set(vocabulary())) < 120


def test_the_language_is_known_whole_and_both_encoders_agree(tokenizer):
    for seed in range(120):
        scene = render_scene(seed)
        for exchange in islice(exchanges(scene, random.Random(seed)), 12):
            text = f"{exchange.prompt} {exchange.answer}"
            ids = tokenizer(text)["input_ids"]
            assert ids == [BOS, *encode(text, TABLE)]
            assert UNK not in ids


def test_offsets_point_into_the_text_as_given(tokenizer):
    text = "Where is  the RED circle, left of the Ring?"
    found = tokenizer(text, return_offsets_mapping=True)
    words = [text[start:stop] for start, stop in found["offset_mapping"][1:]]
    assert words == ["Where", "is", "the", "RED", "circle", "left", "of", "the", "Ring"]
    assert found["offset_mapping"][0] == (0, 0)


def test_unknown_words_are_unknown_not_an_error(tokenizer):
    assert tokenizer("a zebra")["input_ids"] == [BOS, TABLE["a"], UNK]
    assert tokenizer("")["input_ids"] == [BOS]


def test_the_chat_template_is_the_prompt_of_training(tokenizer):
    turn = [{"type": "image"}, {"type": "text", "text": "the small red circle"}]
    text = tokenizer.apply_chat_template([{"role": "user", "content": turn}], tokenize=False)
    assert text == f"{SYSTEM} <image> the small red circle"
    assert tokenizer(text)["input_ids"] == [
        *prefix_ids(TABLE, 1),
        *encode("the small red circle", TABLE),
    ]


def test_the_chat_template_takes_other_system_sentences_and_answers(tokenizer):
    turns = [
        {"role": "system", "content": "answer in few words"},
        {"role": "user", "content": "what is on the left"},
        {"role": "assistant", "content": "none"},
    ]
    text = tokenizer.apply_chat_template(turns, tokenize=False)
    assert text == "answer in few words what is on the left none <eos>"
