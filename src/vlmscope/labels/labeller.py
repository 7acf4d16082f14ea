"""A model that is loaded and a method that is ready: from images to rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from vlmscope.data.ahead import ahead
from vlmscope.data.images import OpenedImage, open_image
from vlmscope.errors import VlmscopeError
from vlmscope.evaluation.sam.identity import identity_of
from vlmscope.heads.choice import resolve_heads
from vlmscope.labels.labelled import LabelledImage, Open, Row
from vlmscope.labels.rows import RowMaker, picture_row
from vlmscope.labels.settings import LabelSettings, ModelSettings, head_digest
from vlmscope.labels.sources import Item
from vlmscope.methods.grounder import Grounder, ground_options, grounder
from vlmscope.methods.stream import Job, Outcome
from vlmscope.models import LoadedModel
from vlmscope.version import __version__

__all__ = ["Labeller"]

_TRIAL = "a thing"  # stands for the phrases of rows, to find what is wrong with the rest
_AHEAD = 4  # images that are read at a time, and how many wait beside the next batch


@dataclass(frozen=True)
class _Opened:
    """An image that was tried to be opened.

    Attributes:
        item: the image.
        image: it, opened, or None.
        picture: its columns in a row.
        fault: why it is not: (class of the error, sentence).
        seconds: what that took.
    """

    item: Item
    image: OpenedImage | None
    fault: tuple[str, str] | None
    seconds: float = 0.0
    picture: Row | None = None


class Labeller:
    """Labels images of any number, one after the other; nothing of them stays in it.

    Args:
        settings: what is asked.
        model: the model, loaded here.
        batch: how many images are looked at side by side.

    Attributes:
        identity: what rows depend on beside :meth:`LabelSettings.kept`, as JSON values.
        notes: what the person should know of how it went.

    Raises:
        VlmscopeError: whatever is wrong with the model, the method or its options.
    """

    def __init__(self, settings: LabelSettings, model: ModelSettings, batch: int = 1) -> None:
        self._settings = settings
        self._batch = batch
        self._model = model.load()
        self._refiner = _loaded_refiner(settings.refine, model)
        self._proxy = _loaded_proxy(settings.proxy, model)
        self._ready = self._grounder(settings.phrases or (_TRIAL,))
        self.identity = self._identity(self._ready, model)
        self.notes: list[str] = []
        name = model.model if isinstance(model.model, str) else model.model.id
        common = {
            "method": self._ready.method.id,
            "model": name,
            "revision": self._model.revision,
            "heads": self.identity["heads"],
            "version": __version__,
        }
        self._rows = RowMaker(common, settings.instances, settings.masks, settings.least_score)

    def label(
        self, items: Iterable[Item], open: Open, begin: Callable[[Item], None], alone: bool = False
    ) -> Iterator[LabelledImage]:
        """What came of every image, in any order. What is wrong with one is a row of its own.

        Args:
            items: read one by one.
            open: from an item to its image.
            begin: called when an image's turn comes.
            alone: nothing is done side by side or ahead: what ends the process is the image that
                was begun last.
        """
        if not alone:
            # the batch after the next is opened while the model looks at one: nothing is waited for then
            count, work = self._batch + _AHEAD, partial(self._open, open=open)
            yield from self._outcomes(ahead(items, work, count, threads=_AHEAD), begin)
            return
        for item in items:
            begin(item)
            opened = self._open(item, open)
            yield from self._outcomes([(item, lambda: opened)], lambda item: None)  # noqa: B023

    def _outcomes(
        self, opened: Iterable[tuple[Item, Callable[[], _Opened]]], begin: Callable[[Item], None]
    ) -> Iterator[LabelledImage]:
        faulty: list[_Opened] = []

        def jobs() -> Iterator[Job]:
            for item, result in opened:
                begin(item)
                each = result()
                if each.image is None:
                    faulty.append(each)
                else:
                    yield Job(each.image, item.phrases, each)

        stream = self._ready.stream(
            jobs(), batch=self._batch, threads=1, ordered=False, halved=self._halved
        )
        for outcome in stream:
            yield from self._failed(faulty)
            yield self._labelled(outcome)
        yield from self._failed(faulty)

    def _failed(self, faulty: list[_Opened]) -> Iterator[LabelledImage]:
        while faulty:
            each = faulty.pop(0)
            assert each.fault is not None
            rows = self._rows.failed(each.item.id, *each.fault, None, each.seconds)
            yield LabelledImage(each.item, rows, each.fault[0])

    def _labelled(self, outcome: Outcome) -> LabelledImage:
        opened: _Opened = outcome.job.id
        item, picture = opened.item, opened.picture
        assert picture is not None
        seconds = opened.seconds + outcome.seconds
        error = outcome.error
        if error is None:
            try:
                rows = self._rows.labelled(item.id, picture, outcome.groundings, seconds)
                return LabelledImage(item, rows)
            except Exception as problem:  # in the map of one image: it ends no job
                error = problem
        fault = _fault(error)
        return LabelledImage(item, self._rows.failed(item.id, *fault, picture, seconds), fault[0])

    def _open(self, item: Item, open: Open) -> _Opened:
        fault = item.fault
        if fault is None and (item.phrases or self._settings.phrases) is None:
            fault = ("BadPhraseError", f"The image {item.id} names no phrase.")
        if fault is not None:
            return _Opened(item, None, fault)
        begun = time.monotonic()
        try:
            image = open_image(open(item), max_pixels=self._settings.max_pixels, name=item.id)
            picture = picture_row(image)  # here, in a thread beside the model
        except Exception as error:  # whatever a file or its decoder stumbles over
            return _Opened(item, None, _fault(error), time.monotonic() - begun)
        return _Opened(item, image, None, time.monotonic() - begun, picture)

    def _halved(self, batch: int) -> None:
        self.notes.append(
            f"{self._batch} images side by side did not fit in the device's memory; went on with {batch}."
        )
        self._batch = batch

    def _grounder(self, phrases: tuple[str, ...]) -> Grounder:
        own = self._settings
        return grounder(
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
