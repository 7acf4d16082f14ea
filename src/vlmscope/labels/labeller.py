"""A model that is loaded and a method that is ready: from images to rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from vlmscope.data.ahead import ahead
from vlmscope.data.images import OpenedImage, open_image
from vlmscope.errors import BadImageError, BadPhraseError, VlmscopeError
from vlmscope.evaluation.sam.identity import identity_of
from vlmscope.heads.choice import resolve_heads
from vlmscope.labels.rows import Row, RowMaker
from vlmscope.labels.settings import LabelSettings, ModelSettings, head_digest
from vlmscope.labels.sources import Item
from vlmscope.methods.grounder import Grounder, ground_options, grounder
from vlmscope.models import LoadedModel
from vlmscope.version import __version__

__all__ = ["LabelledImage", "Labeller", "Open"]

Open = Callable[[Item], str | bytes]
"""From an item to the path of its image, or its bytes."""

_TRIAL = "a thing"  # stands for the phrases of rows, to find what is wrong with the rest
_AHEAD = 2


@dataclass(frozen=True)
class LabelledImage:
    """What came of an image.

    Attributes:
        item: the image.
        rows: at least one.
        failure: class of the error, or None.
    """

    item: Item
    rows: list[Row] = field(repr=False)
    failure: str | None = None


@dataclass(frozen=True)
class _Opened:
    """An image that was tried to be opened."""

    item: Item
    image: OpenedImage | None
    fault: tuple[str, str] | None


class Labeller:
    """Labels images of any number, one after the other; nothing of them stays in it.

    Args:
        settings: what is asked.
        model: the model, loaded here.
        batch: how many images are looked at side by side.

    Attributes:
        identity: what rows depend on beside :meth:`LabelSettings.kept`, as JSON values.

    Raises:
        VlmscopeError: whatever is wrong with the model, the method or its options.
    """

    def __init__(self, settings: LabelSettings, model: ModelSettings, batch: int = 1) -> None:
        self._settings = settings
        self._batch = batch
        self._model = model.load()
        self._refiner = _loaded_refiner(settings.refine, model)
        self._proxy = _loaded_proxy(settings.proxy, model)
        self._ready: tuple[tuple[str, ...], Grounder] | None = None
        trial = self._grounder(settings.phrases or (_TRIAL,))
        self.identity = self._identity(trial, model)
        name = model.model if isinstance(model.model, str) else model.model.id
        common = {
            "method": trial.method.id,
            "model": name,
            "revision": self._model.revision,
            "heads": self.identity["heads"],
            "version": __version__,
        }
        self._rows = RowMaker(common, settings.instances, settings.masks, settings.least_score)

    def label(
        self, items: Iterable[Item], open: Open, begin: Callable[[Item], None], alone: bool = False
    ) -> Iterator[LabelledImage]:
        """The rows of every image, in order. What is wrong with an image is a row of its own.

        Args:
            items: read one by one.
            open: from an item to its image.
            begin: called when an image's turn comes, before it is opened or looked at.
            alone: nothing is done side by side or ahead: what ends the process is the image that
                was begun last.
        """
        for opened in self._opened(items, open, begin, alone):
            yield self._labelled(opened)

    def _opened(
        self, items: Iterable[Item], open: Open, begin: Callable[[Item], None], alone: bool
    ) -> Iterator[_Opened]:
        if alone:
            for item in items:
                begin(item)
                yield self._open(item, open)
            return
        for item, opened in ahead(items, partial(self._open, open=open), _AHEAD):
            begin(item)
            yield opened()

    def _open(self, item: Item, open: Open) -> _Opened:
        if item.fault is not None:
            return _Opened(item, None, item.fault)
        try:
            image = open_image(open(item), max_pixels=self._settings.max_pixels, name=item.id)
        except (BadImageError, MemoryError, OSError) as error:
            return _Opened(item, None, _fault(error))
        return _Opened(item, image, None)

    def _labelled(self, opened: _Opened) -> LabelledImage:
        begun = time.monotonic()
        item, image, fault = opened.item, opened.image, opened.fault
        if image is not None:
            try:
                ready = self._grounder(self._phrases(item))
                found = ready(image)
                seconds = time.monotonic() - begun
                return LabelledImage(item, self._rows.labelled(item.id, image, found, seconds))
            except Exception as error:  # of whatever kind: one image never ends a job
                fault = _fault(error)
        assert fault is not None
        seconds = time.monotonic() - begun
        return LabelledImage(item, self._rows.failed(item.id, *fault, image, seconds), fault[0])

    def _phrases(self, item: Item) -> tuple[str, ...]:
        phrases = item.phrases or self._settings.phrases
        if not phrases:
            raise BadPhraseError(f"The image {item.id} names no phrase.")
        return phrases

    def _grounder(self, phrases: tuple[str, ...]) -> Grounder:
        """The method with these phrases; it is kept as long as they stay the same."""
        if self._ready is None or self._ready[0] != phrases:
            own = self._settings
            ready = grounder(
                self._model,
                list(phrases),
                own.method,
                own.heads,
                own.placement,
                own.prompt,
                own.rows,
                self._refiner,
                own.refine_prompt,
                proxy=self._proxy,
                **own.options,
            )
            self._ready = phrases, ready
        return self._ready[1]

    def _identity(self, ready: Grounder, model: ModelSettings) -> dict[str, Any]:
        own, method = self._settings, ready.method
        heads = None
        if "heads" in method.takes and isinstance(self._model, LoadedModel):
            heads = head_digest(resolve_heads(own.heads, self._model))
        return {
            "model": model.asked()["model"],
            "revision": self._model.revision,
            "dtype": str(self._model.dtype).removeprefix("torch."),
            "max_side": model.max_side,
            "text_embeddings": model.asked()["text_embeddings"],
            "method": method.id,
            "options": asdict(ground_options(method, self._model, own.options)),
            "heads": heads,
            "placement": own.placement,
            "prompt": own.prompt,
            "rows": own.asked()["rows"],
            "proxy": None if self._proxy is None else [self._proxy.id, self._proxy.revision],
            "refine": None if self._refiner is None else identity_of(self._refiner),
            "refine_prompt": ready.refine_prompt if self._refiner is not None else None,
        }


def _loaded_refiner(refine: Any, model: ModelSettings) -> Any:
    if not isinstance(refine, str):
        return refine
    from vlmscope.refine import load_sam

    return load_sam(refine, dtype=model.dtype, device=model.device)


def _loaded_proxy(proxy: Any, model: ModelSettings) -> Any:
    if not isinstance(proxy, str):
        return proxy
    from vlmscope.models import load_tower

    return load_tower(proxy, dtype=model.dtype, device=model.device)


def _fault(error: BaseException) -> tuple[str, str]:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, VlmscopeError):
        return type(error).__name__, text
    return type(error).__name__, f"Unexpected {type(error).__name__}: {text}"
