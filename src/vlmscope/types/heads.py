"""A set of localization heads is a measurement: the heads, and all the evidence for them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from vlmscope.errors import BadHeadSetError
from vlmscope.io import parse_json, write_json
from vlmscope.markup import one_line
from vlmscope.stats import Interval
from vlmscope.types.evidence import head_set_card
from vlmscope.types.fields import (
    interval_in,
    number_in,
    rows_in,
    table_in,
    texts_in,
    whole_in,
)
from vlmscope.types.head_card import head_card
from vlmscope.types.head_hub import PREFIX, fetched, push
from vlmscope.types.head_view import head_set_view
from vlmscope.viewer import View

__all__ = ["Head", "HeadEvidence", "HeadFrequency", "HeadSet", "parse_heads"]


FORMAT = "vlmscope-heads/1"


class Head(NamedTuple):
    """One attention head of the decoder; both numbers count from 0."""

    layer: int
    head: int

    def __str__(self) -> str:
        return f"L{self.layer}H{self.head}"


@dataclass(frozen=True)
class HeadFrequency:
    """What discovery measured of one head.

    Attributes:
        head: which head.
        frequency: share of samples (over all trials) in which it was among the lowest-entropy
            heads, with its bootstrap interval over samples.
        attention_sum: mean attention of the read-out row on all image tokens, 0..1.
        entropy: mean spatial entropy over the samples in which it is finite, or None.
    """

    head: Head
    frequency: Interval
    attention_sum: float
    entropy: float | None


@dataclass(frozen=True)
class HeadEvidence:
    """What verification measured on samples that discovery did not see.

    Attributes:
        samples: number of samples.
        pointing: arg-max of the combined map inside the object, 0..1.
        mean_iou: mean box IoU of the combination, 0..1.
        acc50: share of samples with box IoU of at least 0.5.
        enrichment: attention mass inside the object over the object's share of the area; 1 is chance.
        chance_pointing: pointing of a uniformly random image token.
        per_head: per head of the set: pointing, mean_iou, acc50, enrichment, and percentile among
            all heads.
        settings: the post-processing under which boxes were made.
        sample_ids: digest of the samples, to tell that discovery did not use them.
        mask_iou: mean IoU of the combination's mask, where the samples carry masks.
        random_pointing: mean pointing of combinations of as many random heads, or None.
        average_pointing: pointing of the average over all heads of the layers that discovery
            reads, or None: a set that does not beat it is not worth choosing.
        skipped: one sentence for every row that could not be used.
    """

    samples: int
    pointing: Interval
    mean_iou: Interval
    acc50: Interval
    enrichment: Interval
    chance_pointing: float
    per_head: tuple[dict[str, Any], ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    sample_ids: tuple[str, ...] = ()
    mask_iou: Interval | None = None
    random_pointing: float | None = None
    average_pointing: float | None = None
    skipped: tuple[str, ...] = ()

    def __repr__(self) -> str:
        low, high = self.pointing.low, self.pointing.high
        return one_line(
            self,
            f"{self.samples} samples",
            f"pointing {self.pointing.value:.3f} [{low:.3f}, {high:.3f}], chance "
            f"{self.chance_pointing:.3f}",
            f"Acc@0.5 {self.acc50.value:.3f}",
            "" if self.better_than_chance else "no better than chance",
        )

    @property
    def better_than_chance(self) -> bool:
        """Whether both the pointing interval lies above chance and the enrichment's above 1."""
        return self.pointing.low > self.chance_pointing and self.enrichment.low > 1.0


@dataclass(frozen=True)
class HeadSet:
    """Localization heads of one model, with the evidence for them.

    Attributes:
        heads: the heads, best first.
        model: id of the model they belong to.
        revision: the model's revision (commit) or a digest of its weights; None when unknown.
        source: ``"discovered"``, ``"published, unverified"`` or ``"given"``.
        prompt: preset of the prompt that was read, for example ``"paper"``.
        rows: the read-out row, for example ``"last_text"``.
        shape: (layers, heads) of the decoder.
        samples: number of samples of discovery; 0 for a set that was not discovered here.
        trials: how many random draws of samples the frequencies are averaged over.
        tau: threshold on the mean attention sum, by value.
        sums: mean attention sum of every head that was considered, sorted ascending (the curve
            whose elbow is tau).
        frequencies: every considered head, most frequent first.
        options: the options of discovery.
        sample_ids: digests of the samples.
        evidence: verification, when it was done.
        version: of vlmscope that wrote it.
        notes: free sentences (the source of a published set).
        trial_taus: each trial's own tau.
        skipped: one sentence for every row of the sample list that could not be used.
    """

    heads: tuple[Head, ...]
    model: str
    revision: str | None = None
    source: str = "given"
    prompt: str | None = None
    rows: str = "last_text"
    shape: tuple[int, int] | None = None
    samples: int = 0
    trials: int = 0
    tau: float | None = None
    sums: tuple[float, ...] = ()
    frequencies: tuple[HeadFrequency, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    sample_ids: tuple[str, ...] = ()
    evidence: HeadEvidence | None = None
    version: str = ""
    notes: str = ""
    trial_taus: tuple[float, ...] = ()
    skipped: tuple[str, ...] = ()

    def __repr__(self) -> str:
        worth = "not verified" if self.evidence is None else repr(self.evidence)
        heads = ", ".join(map(str, self.heads[:12])) + ("…" if len(self.heads) > 12 else "")
        return one_line(self, f"{heads} of {self.model}, {self.source}", worth)

    def _repr_html_(self) -> str:
        return self.view().inline(head_set_card(self))

    def view(self) -> View:
        """What the viewer draws: where the heads lie, how they were found, what they are worth."""
        return head_set_view(self)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, with a format tag."""
        return {"format": FORMAT, **asdict(self)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the set as JSON, whole or not at all.

        Raises:
            OutputError: when the place cannot be written.
        """
        write_json(path, self.to_dict())

    def card(self, address: str = "heads.json") -> str:
        """A page about the set, made of its evidence: Markdown as the hub shows it.

        Args:
            address: where the set will be found, as ``heads=`` takes it.
        """
        return head_card(self, address)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool | None = None,
        revision: str | None = None,
        token: str | None = None,
    ) -> str:
        """Put the set and its card into a dataset repository of the Hugging Face hub, in one commit.

        Args:
            repo_id: ``owner/name``; it is made if it does not exist. Its ``heads.json`` and
                ``README.md`` are written over.
            private: whether a new repository is; None: as its owner has set.
            revision: branch that gets the commit; None: the main one.
            token: of the hub; None: the one that is logged in.

        Returns:
            The address, ``hf://datasets/owner/name``, which ``heads=`` takes.

        Raises:
            OutputError: no permission, no such name, or the hub cannot be reached.
        """
        at = f"@{revision}" if revision else ""
        card = self.card(f"{PREFIX}datasets/{repo_id}{at}")
        return push(self.to_dict(), card, repo_id, private=private, revision=revision, token=token)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> HeadSet:
        """Read a set that :meth:`save` wrote.

        Args:
            path: a file, or an address on the hub: ``hf://datasets/OWNER/NAME``, perhaps with
                ``@REVISION``.

        Raises:
            BadHeadSetError: no such file, no strict JSON, or a field that is missing or has a wrong
                type; the message names it.
        """
        if os.fspath(path).startswith(PREFIX):
            path = fetched(os.fspath(path))
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:  # a path with a zero byte is a ValueError
            undecodable = isinstance(error, UnicodeDecodeError)
            reason = getattr(error, "strerror", None) or (
                "it is not UTF-8 text" if undecodable else error
            )
            raise BadHeadSetError(
                f"Cannot read the head file {path}: {reason}. "
                "Make one with: vlmscope heads discover MODEL --samples FILE --out heads.json"
            ) from error
        try:
            record = parse_json(text)
        except ValueError as error:
            raise BadHeadSetError(
                f"The head file {path} is not JSON ({error}). "
                "Head files are written by: vlmscope heads discover MODEL --samples FILE --out heads.json"
            ) from error
        return cls.from_dict(record, str(path))

    @classmethod
    def from_dict(cls, record: Any, name: str = "head set") -> HeadSet:
        """The inverse of :meth:`to_dict`; ``name`` stands in error messages."""
        if not isinstance(record, dict):
            raise BadHeadSetError(f"{name} must be a JSON object, got {type(record).__name__}.")
        if "format" not in record:
            raise BadHeadSetError(
                f"{name} is no head file: it lacks the field 'format'. Head files are written by: "
                "vlmscope heads discover MODEL --samples FILE --out heads.json"
            )
        if record["format"] != FORMAT:
            raise BadHeadSetError(
                f"{name} has format {record['format']!r}, expected {FORMAT!r}. "
                "Discover the heads again with this version of vlmscope."
            )
        missing = [key for key in ("heads", "model") if key not in record]
        if missing:
            raise BadHeadSetError(f"{name} lacks the field(s) {', '.join(missing)}.")
        try:
            return _from_record(cls, record)
        except KeyError as error:
            raise BadHeadSetError(
                f"{name} is damaged: a part of it lacks the field {error}. Write it again: "
                "vlmscope heads discover MODEL --samples FILE --out heads.json"
            ) from error
        except (TypeError, ValueError) as error:
            raise BadHeadSetError(
                f"{name} has a field of the wrong type or shape: {error}."
            ) from error


def parse_heads(text: str | Sequence[str]) -> tuple[Head, ...]:
    """Read heads written as ``L14H24,L14H13`` or ``14.24 14.13``.

    Raises:
        BadHeadSetError: for anything else.
    """
    words: Iterable[str] = re.split(r"[,\s]+", text.strip()) if isinstance(text, str) else text
    heads = []
    for word in words:
        match = re.fullmatch(r"[Ll](\d+)[Hh](\d+)|(\d+)[.:](\d+)", word)
        if match is None:
            raise BadHeadSetError(f"A head is written L14H24 or 14.24, got {word!r}.")
        layer, head = (int(number) for number in match.groups() if number is not None)
        heads.append(Head(layer, head))
    return tuple(heads)


def _from_record(cls: type[HeadSet], record: dict[str, Any]) -> HeadSet:
    known = {key: record[key] for key in cls.__dataclass_fields__ if key in record}
    known["heads"] = tuple(_head(pair) for pair in record["heads"])
    if not known["heads"]:
        raise ValueError("heads is empty")
    _check_plain_fields(record)
    for name in ("sums", "trial_taus"):
        known[name] = tuple(float(number_in(value, name)) for value in record.get(name, ()))
    for name in ("sample_ids", "skipped"):
        known[name] = texts_in(record.get(name, ()), name)
    if record.get("shape") is not None:
        layers, heads = record["shape"]
        known["shape"] = (whole_in(layers, "shape"), whole_in(heads, "shape"))
    known["frequencies"] = tuple(
        HeadFrequency(
            _head(row["head"]),
            interval_in(row["frequency"], "frequency"),
            float(number_in(row["attention_sum"], "attention_sum")),
            number_in(row["entropy"], "entropy", optional=True),
        )
        for row in rows_in(record.get("frequencies", ()), "frequencies")
    )
    if record.get("evidence") is not None:
        known["evidence"] = _evidence(record["evidence"])
    return cls(**known)


def _check_plain_fields(record: dict[str, Any]) -> None:
    """Raise ValueError for a field whose value would be taken as it is and is of another type."""
    kinds: dict[str, tuple[type, ...]] = {
        **dict.fromkeys(("model", "source", "rows", "version", "notes"), (str,)),
        **dict.fromkeys(("revision", "prompt"), (str, type(None))),
        **dict.fromkeys(("samples", "trials"), (int,)),
        "tau": (int, float, type(None)),
        "options": (dict,),
    }
    for name, allowed in kinds.items():
        value = record.get(name)
        if name in record and (isinstance(value, bool) or not isinstance(value, allowed)):
            raise ValueError(f"{name} is {repr(value)[:40]}")


def _evidence(record: Any) -> HeadEvidence:
    values = dict(table_in(record, "evidence"))
    unknown = sorted(set(values) - set(HeadEvidence.__dataclass_fields__))
    if unknown:
        raise ValueError(f"evidence has the unknown field {unknown[0]!r}")
    for key in ("pointing", "mean_iou", "acc50", "enrichment"):
        values[key] = interval_in(values[key], key)
    if values.get("mask_iou") is not None:
        values["mask_iou"] = interval_in(values["mask_iou"], "mask_iou")
    for key in ("random_pointing", "average_pointing"):
        values[key] = number_in(values.get(key), key, optional=True)
    values["samples"] = whole_in(values["samples"], "samples")
    values["chance_pointing"] = number_in(values["chance_pointing"], "chance_pointing")
    values["settings"] = table_in(values.get("settings", {}), "settings")
    for key in ("sample_ids", "skipped"):
        values[key] = texts_in(values.get(key, ()), key)
    values["per_head"] = rows_in(values.get("per_head", ()), "per_head")
    for row in values["per_head"]:
        _check_head_row(row)
    return HeadEvidence(**values)


def _check_head_row(row: dict[str, Any]) -> None:
    """Raise ValueError or KeyError for a head's scores that nobody could show."""
    _head(row["head"])
    for key in ("pointing", "enrichment", "acc50"):
        interval_in(row[key], key)
    number_in(row["percentile"], "percentile")


def _head(pair: Any) -> Head:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise ValueError(f"a head is [layer, head] with whole numbers, got {repr(pair)[:40]}")
    return Head(whole_in(pair[0], "the layer of a head"), whole_in(pair[1], "a head"))
