"""The passes over images whose model reads them before the text: each image is read once.

Images are read into the cache in batches, the picture and a blank one of its size. All questions of an
image, their answers, and the answers without some image tokens run packed behind it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vlmscope.analysis.hallucination.hidden_states import hidden_states
from vlmscope.analysis.hallucination.options import HallucinationOptions
from vlmscope.analysis.hallucination.passes import (
    Answered,
    AnswerPasses,
    ImagePasses,
    Lifted,
    WholePasses,
    blank_like,
)
from vlmscope.attention import capture
from vlmscope.attention.fence import Veil
from vlmscope.attention.forced import with_answer
from vlmscope.attention.installed import instrument
from vlmscope.attention.prefix import Pack, SharedPrefix, fill_together, shared_prefix
from vlmscope.attention.selection import check_row_layers
from vlmscope.attention.sweep.clean_run import end_ids
from vlmscope.data.datasets import Asked
from vlmscope.errors import UnsupportedError
from vlmscope.models import LoadedModel
from vlmscope.models.prompts.encoding import EncodedText
from vlmscope.types import Role

__all__ = ["SharedPasses", "image_passes", "read_layers"]

# rounds in which open answers are run again in one pack; longer ones go on from a cache of their own
_ROUNDS = 6


def image_passes(
    model: LoadedModel,
    pictures: Sequence[NDArray[np.uint8]],
    asked: Sequence[Sequence[Asked]],
    options: HallucinationOptions,
) -> list[ImagePasses]:
    """The passes over several images, which are read side by side where the model reads images first.

    Args:
        model: the model.
        pictures: uint8 (height, width, 3) each.
        asked: the questions of each.
        options: how they are read.
    """
    layers = read_layers(model, options)
    whole: list[ImagePasses] = [WholePasses(model, pixels, options, layers) for pixels in pictures]
    if not model.family.causal_image:
        return whole
    try:
        shared = [
            SharedPasses.of(model, *each, options, layers)
            for each in zip(pictures, asked, strict=True)
        ]
    except UnsupportedError:  # prompts that differ before the end of the image
        return whole
    _fill(model, [each.seen for each in shared] + [each.blank for each in shared], layers)
    return list(shared)


def read_layers(model: LoadedModel, options: HallucinationOptions) -> tuple[int, ...]:
    """The layers that are read, ascending: those of the range that have attention rows.

    Raises:
        AttentionError: layers that the model does not have, or none of which has rows.
    """
    first, last = options.reading(1).layers(len(model.layers))
    layers = tuple(layer for layer in model.row_layers if first <= layer <= last)
    return layers or check_row_layers(model, range(first, last + 1))


@dataclass(frozen=True, eq=False)
class ReadPrefix:
    """An image in the cache.

    Attributes:
        prefix: it.
        texts: its questions, encoded.
        hidden: float (layers that are read, image tokens, hidden), once the image is read.
    """

    prefix: SharedPrefix
    texts: dict[str, EncodedText] = field(repr=False)
    hidden: list[Tensor] = field(default_factory=list, repr=False)


@dataclass(frozen=True, eq=False)
class SharedPasses:
    """Passes packed behind one image. Made by :func:`image_passes`.

    Attributes:
        model: the model.
        options: how it is read.
        layers: those that are read.
        seen: the image.
        blank: a blank one of its size.
    """

    model: LoadedModel
    options: HallucinationOptions
    layers: tuple[int, ...]
    seen: ReadPrefix
    blank: ReadPrefix

    @classmethod
    def of(
        cls,
        model: LoadedModel,
        pixels: NDArray[np.uint8],
        asked: Sequence[Asked],
        options: HallucinationOptions,
        layers: tuple[int, ...],
    ) -> SharedPasses:
        """Fit image and blank, and encode the questions; nothing is run.

        Raises:
            UnsupportedError: questions that differ before the end of the image.
        """
        prompts = list(dict.fromkeys(each.text for each in asked))
        read = []
        for picture in (pixels, blank_like(pixels)):
            prefix = shared_prefix(
                model, picture, preset=options.preset, placement=options.placement
            )
            read.append(ReadPrefix(prefix, dict(zip(prompts, prefix.encode(prompts), strict=True))))
        return cls(model, options, layers, *read)

    def say(self, asked: Sequence[Asked]) -> list[str]:
        """As :class:`ImagePasses`: short answers in packs, long ones from a cache of their own."""
        rooms = [self.options.reading(each.room).max_new_tokens for each in asked]
        answers: list[list[int]] = [[] for _ in asked]
        ends, waiting = end_ids(self.model), list(range(len(asked)))
        penalised = getattr(self.model.hf.generation_config, "repetition_penalty", None)
        for _ in range(0 if len(asked) == 1 or penalised else _ROUNDS):
            texts = [self._answered(self.seen, asked[n].text, answers[n]) for n in waiting]
            tokens = self._next(texts) if texts else []
            for number, token in zip(waiting, tokens, strict=True):
                answers[number].append(token)
            waiting = [
                n for n in waiting if answers[n][-1] not in ends and len(answers[n]) < rooms[n]
            ]
        tokenizer = self.model.processor.tokenizer
        return [
            self.seen.prefix.answer(each.text, rooms[number])
            if number in waiting
            else str(tokenizer.decode(answers[number], skip_special_tokens=True)).strip()
            for number, each in enumerate(asked)
        ]

    def read(self, answers: Sequence[Answered]) -> list[AnswerPasses]:
        """As :class:`ImagePasses`: two passes for all of them, behind the image and the blank one."""
        nothing = np.zeros(0, dtype=np.int64)
        clean = self._run(self.seen, [(each, nothing) for each in answers], self.layers)
        blank = self._run(self.blank, [(each, nothing) for each in answers], self.layers, True)
        [hidden] = self.seen.hidden
        return [
            AnswerPasses(
                own.maps,
                hidden,
                own.log_probs,
                unseen.log_probs,
                unseen.maps.sum(axis=-1, dtype=np.float64).mean(axis=(0, 1)),
            )
            for own, unseen in zip(clean, blank, strict=True)
        ]

    def without(self, lifted: Sequence[Lifted]) -> list[NDArray[np.float64]]:
        """As :class:`ImagePasses`: one pass for all of them."""
        return [each.log_probs for each in self._run(self.seen, lifted)]

    @property
    def _image(self) -> NDArray[np.int64]:
        """Positions of the image's tokens."""
        text = next(iter(self.seen.texts.values()))
        return np.flatnonzero(text.roles == Role.IMAGE)

    def _answered(
        self, read: ReadPrefix, question: str, ids: Sequence[int] | NDArray[np.int64]
    ) -> EncodedText:
        return with_answer(self.model, read.texts[question], ids)

    def _next(self, texts: Sequence[EncodedText]) -> list[int]:
        """The likeliest next token of each text."""
        tokens = [0] * len(texts)
        for indices, pack in self.seen.prefix.packs(texts):
            hidden = self.seen.prefix.run(pack)
            assert hidden is not None  # nothing stops a whole pass
            rows = torch.tensor([end - 1 for _, end in pack.segments]) - self.seen.prefix.length
            with self.model.frozen():
                logits = self.model.family.head(self.model.hf, hidden[0, rows.to(hidden.device)])
            for index, token in zip(indices, logits.argmax(-1).tolist(), strict=True):
                tokens[index] = int(token)
        return tokens

    def _run(
        self,
        read: ReadPrefix,
        lifted: Sequence[Lifted],
        layers: tuple[int, ...] | None = None,
        average: bool = False,
    ) -> list[_Run]:
        """Answers behind an image, each without some of its tokens; maps of layers where they are named."""
        texts = [self._answered(read, each.text, each.ids) for each, _ in lifted]
        runs: dict[int, _Run] = {}
        for indices, pack in read.prefix.packs(texts):
            chosen = [lifted[index] for index in indices]
            counts = [len(each.ids) for each, _ in chosen]
            with contextlib.ExitStack() as stack:
                self._hide(stack, pack, chosen)
                trace = None
                if layers is not None:
                    reading = capture(self.model, "generated", layers, average=average)
                    trace = stack.enter_context(reading)
                hidden = read.prefix.run(pack)
            assert hidden is not None  # nothing stops a whole pass
            scores = np.split(self._scores(read, pack, hidden), np.cumsum(counts)[:-1])
            maps: Sequence[NDArray[np.float32]] = [_NO_MAPS] * len(chosen)
            if trace is not None:
                maps = np.split(trace.maps.numpy(), np.cumsum(counts)[:-1], axis=2)
            for index, log_probs, own in zip(indices, scores, maps, strict=True):
                runs[index] = _Run(log_probs, own)
        return [runs[index] for index in range(len(lifted))]

    def _hide(self, stack: contextlib.ExitStack, pack: Pack, lifted: Sequence[Lifted]) -> None:
        """Keep the rows that predict answers from reading the image tokens that are taken away."""
        image = self._image
        hidden = [
            (end - len(answer.ids) - 1, end, torch.from_numpy(image[tokens]))
            for (_, end), (answer, tokens) in zip(pack.segments, lifted, strict=True)
            if len(tokens)
        ]
        if hidden:
            active, veil = stack.enter_context(instrument(self.model)), Veil(hidden)
            active.blockers.append(veil)
            stack.callback(active.blockers.remove, veil)

    def _scores(self, read: ReadPrefix, pack: Pack, hidden: Tensor) -> NDArray[np.float64]:
        """Log-probabilities of the answers' tokens, one answer after another."""
        places = torch.from_numpy(pack.token_map.positions("generated"))
        ids = torch.from_numpy(
            np.concatenate([text.ids[text.roles == Role.GENERATED] for text in pack.texts])
        )
        rows = (places - 1 - read.prefix.length).to(hidden.device)
        with self.model.frozen():
            logits = self.model.family.head(self.model.hf, hidden[0, rows])
        scores = logits.float().log_softmax(-1)
        chosen = scores.gather(-1, ids.to(scores.device)[:, None])[:, 0]
        values: NDArray[np.float64] = chosen.double().cpu().numpy()
        return values


_NO_MAPS = np.zeros((0, 0, 0, 0), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class _Run:
    """One answer in a pass: log-probabilities (tokens,), maps (layers, heads or 1, tokens, image tokens)."""

    log_probs: NDArray[np.float64]
    maps: NDArray[np.float32]


def _fill(model: LoadedModel, read: Sequence[ReadPrefix], layers: tuple[int, ...]) -> None:
    """Read images into the cache, those of the same ids in one batch, and keep their hidden states."""
    batches: dict[bytes, list[ReadPrefix]] = {}
    for each in read:
        batches.setdefault(each.prefix.ids.tobytes(), []).append(each)
    for batch in batches.values():
        texts = [next(iter(each.texts.values())) for each in batch]
        image = torch.from_numpy(np.flatnonzero(texts[0].roles == Role.IMAGE))
        with hidden_states(model, layers) as kept:
            fill_together([each.prefix for each in batch], texts)
        for item, each in enumerate(batch):
            states = [kept[layer][item, image.to(kept[layer].device)] for layer in layers]
            each.hidden.append(torch.stack(states))
