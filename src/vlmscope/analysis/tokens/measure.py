"""Reading an answer's rows: on the image, on a blank image, and with the image blocked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vlmscope.analysis.record import run_record
from vlmscope.analysis.tokens.ranges import check_looking
from vlmscope.analysis.tokens.result import GroundedAnswer, GroundedWord
from vlmscope.analysis.tokens.words import Word, merge_words, noun_phrases
from vlmscope.attention import capture, generate, knockout
from vlmscope.attention.forced import answer_ids, encode_answer, encode_forced, run_forced
from vlmscope.attention.selection import check_layers
from vlmscope.data.images import open_image
from vlmscope.errors import AttentionError, BadPhraseError
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.guard import check_model
from vlmscope.options import CheckedOptions, option
from vlmscope.post import PostOptions, attention_share, image_cautions, locate
from vlmscope.post.options import with_post
from vlmscope.results import Grounding
from vlmscope.types import TokenMap

__all__ = ["AnswerReading", "TokenOptions", "token_grounding"]

ROW_CHOICES = ("predicts", "own")


@dataclass(frozen=True)
class TokenOptions(CheckedOptions):
    """How an answer's words are read."""

    preset: str | None = option("chat", "prompt preset; chat is what the model answers to")
    placement: str | None = option(None, "how images are fitted (default: the family's way)")
    max_new_tokens: int = option(64, "longest answer, in tokens", at_least=1, whole=True)
    row: str = option(
        "predicts",
        "a word's row is the one that predicts it (predicts) or the one at which it "
        "stands itself (own)",
        choices=ROW_CHOICES,
    )
    first_layer: int | None = option(
        None,
        "first layer of the maps (default: a quarter of the depth)",
        at_least=0,
        whole=True,
        optional=True,
    )
    last_layer: int | None = option(
        None,
        "last layer of the maps (default: three quarters of the depth)",
        at_least=0,
        whole=True,
        optional=True,
    )
    post: PostOptions = field(default_factory=PostOptions)

    def layers(self, count: int) -> tuple[int, int]:
        """(first, last) layer of a decoder with so many; the middle half unless said otherwise.

        Raises:
            AttentionError: layers that the decoder does not have.
        """
        first = count // 4 if self.first_layer is None else self.first_layer
        last = (3 * count - 1) // 4 if self.last_layer is None else self.last_layer
        check_layers([first, last], count)
        if first > last:
            raise AttentionError(f"first_layer {first} lies above last_layer {last}.")
        return first, last


def token_grounding(
    model: LoadedModel,
    image: Any,
    prompt: str | Prompt,
    answer: str | None = None,
    options: TokenOptions | None = None,
    *,
    heads: Sequence[tuple[int, int]] | None = None,
    phrases: Sequence[str] | None = None,
) -> GroundedAnswer:
    """What each word of an answer looked at, with boxes for its noun phrases.

    Three passes over prompt and answer: on the image, on a blank image of the same size (what the
    words would read if there were nothing to see), and with the image blocked for the answer.

    Args:
        model: the model.
        image: path, PIL image or uint8 (height, width, 3) array.
        prompt: what is asked.
        answer: text that is taken as the answer; None: the model answers, greedily.
        options: see :class:`TokenOptions`.
        heads: (layer, head) pairs whose rows are averaged; None: all heads. Layers without any of
            them have maps of zeros.
        phrases: parts of the answer to be grounded in place of its noun phrases.

    Raises:
        BadPhraseError: an answer without a word, or a phrase that is not in the answer.
        AttentionError: layers or heads that the model does not have, or layers none of which looks at
            the image.
    """
    check_model(model)
    options = options or TokenOptions()
    layers = options.layers(len(model.layers))
    check_looking(model, layers)
    pixels = open_image(image).pixels
    question = Prompt.of(prompt)
    ids = _answer(model, pixels, question, answer, options)
    text, words = merge_words(ids.tolist(), model.processor.tokenizer)
    if not words:
        raise BadPhraseError(
            f"The answer {text!r} holds no word to ground. Ask for a description, or give an answer."
        )
    reading = AnswerReading(model, question, ids, options, heads)
    seen = reading.read(pixels)
    blank = reading.read(_blank(pixels))
    with knockout(model, [("image", "generated"), ("image", "last")]):
        blocked = reading.score(pixels)
    grounded = tuple(_word(word, seen, blank, blocked) for word in words)
    run = run_record(
        model,
        analysis="tokens",
        **asdict(options),
        heads=None if heads is None else [list(pair) for pair in heads],
    )
    warnings = image_cautions(seen.token_map)
    if answer is not None:
        unread = encode_answer(model, question, answer, 1, options.preset).notes
        warnings = tuple(dict.fromkeys((*unread, *warnings)))
    result = GroundedAnswer(
        text, question.text, pixels, grounded, (), seen.token_map, layers, run, warnings
    )
    spans = noun_phrases(text, words) if phrases is None else _spans(text, words, phrases)
    post = _post(model, options)
    return replace(result, phrases=tuple(_ground(model, result, span, post) for span in spans))


def _answer(
    model: LoadedModel,
    pixels: NDArray[np.uint8],
    question: Prompt,
    answer: str | None,
    options: TokenOptions,
) -> NDArray[np.int64]:
    if answer is not None:
        return answer_ids(model, question, answer, 1, options.preset)
    spoken = generate(
        model,
        pixels,
        question,
        max_new_tokens=options.max_new_tokens,
        preset=options.preset,
        placement=options.placement,
    )
    ids: NDArray[np.int64] = spoken.ids.numpy()
    return ids


@dataclass(frozen=True, eq=False)
class _Read:
    """One pass: maps (layers, answer tokens, cells), shares (layers, answer tokens), scores."""

    maps: NDArray[np.float32]
    shares: NDArray[np.float64]
    log_probs: NDArray[np.float64]
    likeliest: NDArray[np.bool_]
    token_map: TokenMap


@dataclass(frozen=True, eq=False)
class AnswerReading:
    """An answer that is fed in, to be read on one picture after the other."""

    model: LoadedModel
    question: Prompt
    ids: NDArray[np.int64]
    options: TokenOptions
    heads: Sequence[tuple[int, int]] | None

    def read(self, pixels: NDArray[np.uint8]) -> _Read:
        """Rows and scores of the answer on an image."""
        encoded = encode_forced(self.model, pixels, self.question, self.ids, **self._settings())
        tokens = encoded.token_maps[0]
        rows = tokens.positions("generated") - int(self.options.row == "predicts")
        with capture(self.model, rows=rows.tolist(), heads=self.heads, average=True) as trace:
            scores, likeliest = run_forced(self.model, encoded)
        maps = self._every_layer(trace.layers, trace.maps[:, 0].numpy())
        return _Read(
            tokens.carried(maps).astype(np.float32),
            maps.sum(axis=-1, dtype=np.float64),
            scores.double().numpy(),
            likeliest.numpy(),
            tokens.on_cells(),
        )

    def score(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Scores alone."""
        encoded = encode_forced(self.model, pixels, self.question, self.ids, **self._settings())
        scores, likeliest = run_forced(self.model, encoded)
        return scores.double().numpy(), likeliest.numpy()

    def _settings(self) -> dict[str, Any]:
        return {"preset": self.options.preset, "placement": self.options.placement}

    def _every_layer(self, layers: Sequence[int], maps: NDArray[np.float32]) -> NDArray[np.float32]:
        whole = np.full((len(self.model.layers), *maps.shape[1:]), np.nan, dtype=np.float32)
        whole[list(self.model.row_layers)] = 0.0
        whole[list(layers)] = maps
        return whole


def _blank(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image of the same size and mean colour with nothing on it."""
    mean = np.rint(pixels.reshape(-1, 3).mean(axis=0)).astype(np.uint8)
    return np.broadcast_to(mean, pixels.shape).copy()


def _word(
    word: Word, seen: _Read, blank: _Read, blocked: tuple[NDArray[np.float64], NDArray[np.bool_]]
) -> GroundedWord:
    mine = list(word.tokens)
    return GroundedWord(
        word=word,
        maps=seen.maps[:, mine].mean(axis=1),
        share=seen.shares[:, mine].mean(axis=1),
        blank_share=blank.shares[:, mine].mean(axis=1),
        log_prob=float(seen.log_probs[mine].sum()),
        blank_log_prob=float(blank.log_probs[mine].sum()),
        blocked_log_prob=float(blocked[0][mine].sum()),
        # only a word that the model would say can be lost
        lost=bool(seen.likeliest[mine].all() and not blocked[1][mine].all()),
    )


def _spans(text: str, words: Sequence[Word], phrases: Sequence[str]) -> list[tuple[int, int]]:
    """The words of given phrases, each at its first place in the answer."""
    spans = []
    for phrase in phrases:
        start = text.casefold().find(phrase.strip().casefold()) if phrase.strip() else -1
        end = start + len(phrase.strip())
        inside = [i for i, word in enumerate(words) if word.start < end and word.end > start]
        if start < 0 or not inside:
            raise BadPhraseError(f"The answer {text!r} does not hold the phrase {phrase!r}.")
        spans.append((inside[0], inside[-1] + 1))
    return spans


def _post(model: LoadedModel, options: TokenOptions) -> PostOptions:
    """The model's own post-processing, unless the user chose one."""
    chosen = options.post if options.post != PostOptions() else None
    return with_post(PostOptions(), model.card.grounding, chosen)


def _ground(
    model: LoadedModel, answer: GroundedAnswer, span: tuple[int, int], post: PostOptions
) -> Grounding:
    indices = list(range(*span))
    words = [answer.words[index] for index in indices]
    raw = answer.map_of(indices)
    located = locate(answer.token_map, raw, post)
    guessed = [word.text for word in words if word.maybe_guessed]
    warnings = (
        (f"pays the image no more attention than a blank one: {', '.join(guessed)}",)
        if len(guessed) == len(words)
        else ()
    )
    return Grounding.of(
        located,
        phrase=answer.text[words[0].word.start : words[-1].word.end],
        method="token-grounding",
        model=model.id,
        image=answer.image,
        score=attention_share(answer.token_map, raw, located.mask),
        details={"words": indices, "layers": list(answer.layers), "maybe_guessed": guessed},
        warnings=warnings,
    )
