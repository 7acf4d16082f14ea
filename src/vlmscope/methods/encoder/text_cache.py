"""Embeddings of many texts, made once and kept on disk.

A thousand classes under 80 templates are 80,000 texts: minutes of work for 2 MB of vectors. A thousand
words under one are seconds, which whoever asks for one picture waits for. They are kept under a digest of
all that they depend on: the fingerprint of the weights, their dtype, the device, the version of torch, the
templates and the phrases. A file is believed when it is whole and the model still gives its first text the
vector that stands in it, so weights that were changed in memory are not answered with those of the
checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from vlmscope.errors import OutputError, VlmscopeWarning
from vlmscope.io import home_folder, write_bytes
from vlmscope.methods.encoder.texts import filled, phrase_embeddings, template_texts
from vlmscope.models import DualEncoder

__all__ = ["MANY", "kept_embeddings", "texts_folder"]

MANY = 256
"""Texts that are worth a file whatever they are: what an encoder embeds in one go."""

_FORMAT = 1  # another number when the digest or the file means something else
_SAME = {torch.float32: 1e-5}  # between unit vectors of one text; of narrower numbers:
_NARROW = 2e-2


def texts_folder() -> Path:
    """Where they lie; the folder may be deleted at any time."""
    return home_folder() / "texts"


def kept_embeddings(
    encoder: DualEncoder,
    phrases: Sequence[str],
    templates: str,
    *,
    keep: bool = True,
    least: int = 1,
) -> Tensor:
    """As :func:`phrase_embeddings`, to the bit; from disk, where they lie there.

    Kept are phrases under several templates, and :data:`MANY` texts or more under one. A file that cannot
    be read or written is warned of, and the embeddings are made anew. Embeddings of weights without a
    fingerprint are not kept.

    Args:
        encoder: the model.
        phrases: what is embedded.
        templates: id of a set of templates.
        keep: False: neither read from disk nor write to it.
        least: fewer texts (phrases times templates) are not kept: where a few phrases come at a time,
            there would be a file for each of them.
    """
    different = tuple(dict.fromkeys(phrases))
    if not keep or encoder.revision is None or not _is_worth(encoder, different, templates, least):
        return phrase_embeddings(encoder, phrases, templates)
    file = _File.of(encoder, different, templates)
    # alone and always: a file from before gives the same first text the same vector
    probe = encoder.text_embeddings([filled(different[0], templates)[0]], keep=False)
    vectors = file.read(probe, len(different))
    if vectors is None:
        # the texts themselves are not remembered: 80 vectors for each that is needed
        vectors = phrase_embeddings(encoder, different, templates, keep=False)
        file.write(vectors, probe)
    places = {phrase: place for place, phrase in enumerate(different)}
    return vectors.to(encoder.device)[[places[phrase] for phrase in phrases]]


def _is_worth(encoder: DualEncoder, different: Sequence[str], templates: str, least: int) -> bool:
    """Whether phrases are embedded under templates at all, and are many enough."""
    count = len(template_texts(templates))
    texts = len(different) * count
    return encoder.family.templates and texts >= least and (count > 1 or texts >= MANY)


@dataclass(frozen=True)
class _File:
    """One file of embeddings.

    Attributes:
        path: its place.
        content: what the embeddings are of, for readers of the file.
    """

    path: Path
    content: dict[str, str]

    @classmethod
    def of(cls, encoder: DualEncoder, phrases: Sequence[str], templates: str) -> _File:
        content = {
            "format": str(_FORMAT),
            "model": encoder.id,
            "revision": str(encoder.revision),
            "family": encoder.family.id,
            "dtype": str(encoder.dtype),
            "device": encoder.device.type,
            "torch": torch.__version__,
            "templates": json.dumps(template_texts(templates)),
            "phrases": json.dumps(list(phrases)),
        }
        told = json.dumps({key: content[key] for key in sorted(content) if key != "model"})
        name = hashlib.sha256(told.encode()).hexdigest()[:32]
        return cls(texts_folder() / f"{name}.safetensors", content)

    def read(self, probe: Tensor, count: int) -> Tensor | None:
        """The vectors (count, joint); None where there are none, or none that can be believed.

        Args:
            probe: (1, joint), what the model makes of the first text now.
            count: how many are expected.
        """
        if not self.path.is_file():
            return None
        try:
            tensors = load(self.path.read_bytes())
            fault = _fault(tensors, probe, count)
        except (OSError, ValueError, SafetensorError) as error:
            fault = f"it cannot be read ({error})"
        if fault is None:
            return tensors["vectors"]
        warnings.warn(
            f"Kept text embeddings are made anew, {self.path}: {fault}.",
            VlmscopeWarning,
            stacklevel=3,
        )
        return None

    def write(self, vectors: Tensor, probe: Tensor) -> None:
        """Put it in its place, whole or not at all; a place that cannot be written is warned of."""
        tensors = {"vectors": vectors.cpu().contiguous(), "probe": probe.cpu().contiguous()}
        try:
            write_bytes(self.path, save(tensors, {"content": json.dumps(self.content)}))
        except OutputError as error:
            warnings.warn(
                f"Text embeddings are not kept for later calls. {error}",
                VlmscopeWarning,
                stacklevel=3,
            )


def _fault(tensors: Mapping[str, Tensor], probe: Tensor, count: int) -> str | None:
    """Why the tensors of a file cannot be believed; None: they can."""
    if not {"vectors", "probe"} <= set(tensors):
        return f"it holds {', '.join(sorted(tensors)) or 'nothing'}, not vectors and probe"
    vectors, first = tensors["vectors"], tensors["probe"]
    shape = (count, probe.shape[-1])
    if vectors.shape != shape or vectors.dtype != probe.dtype or first.shape != probe.shape:
        return f"it holds {tuple(vectors.shape)} of {vectors.dtype}, not {shape} of {probe.dtype}"
    if not vectors.isfinite().all():
        return "it holds values that are no numbers"
    if not (first.to(probe) - probe).abs().max() <= _SAME.get(probe.dtype, _NARROW):
        return "the model gives its first text another vector, so weights were changed"
    return None
