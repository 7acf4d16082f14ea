"""Results as live widgets of notebooks: the viewer of pages, fed with the packed bytes of a view."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vlmscope.errors import BadOptionError, MissingExtraError
from vlmscope.viewer.blocks import heading, text
from vlmscope.viewer.bundle import shipped
from vlmscope.viewer.view import View

if TYPE_CHECKING:
    import anywidget

__all__ = ["joined", "view", "view_of"]


def view(*results: Any) -> anywidget.AnyWidget:
    """Results in the live viewer, as a widget for the cell of a notebook (docs/viewer.md).

    Args:
        *results: each a result that has ``view()``, a :class:`View`, the path of a ``.view`` file or of a
            page that vlmscope wrote, or a list of such. Several are drawn one after the other.

    Returns:
        The widget. Its trait ``view`` holds the packed bytes: set to those of another view, it is drawn anew.

    Raises:
        MissingExtraError: without anywidget.
        BadOptionError: nothing, or something that has no view.
        BadViewError: a file that holds none.
    """
    views = _views(results)
    if not views:
        raise BadOptionError("There is nothing to view: give one result or more.")
    shown = views[0] if len(views) == 1 else joined(views)
    return _widget_class()(view=shown.pack())


@functools.cache
def _widget_class() -> Any:
    """The class of the widget, made where anywidget is there."""
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise MissingExtraError("anywidget", "notebook", "vs.view()") from error
    bundle = shipped()

    class ViewWidget(anywidget.AnyWidget):
        """A view in a notebook; ``view`` holds its packed bytes."""

        _esm = bundle.script
        _css = bundle.style
        view = traitlets.Bytes(b"").tag(sync=True)

        def __repr__(self) -> str:
            # what a notebook keeps of the widget, and shows without its kernel
            return "<a view of vlmscope: it is drawn while its kernel runs, so run the cell again>"

    return ViewWidget


def _views(results: Sequence[Any]) -> list[View]:
    views = []
    for each in results:
        views += _views(each) if isinstance(each, list | tuple) else [view_of(each)]
    return views


def view_of(result: Any) -> View:
    """The view of a result, of a file, or a view as it is.

    Raises:
        BadOptionError: what has no view.
        BadViewError: a file that holds none.
    """
    if isinstance(result, View):
        return result
    if isinstance(result, str | os.PathLike):
        return View.read(result)
    # arrays and tensors have a view() of their own, which is none of these
    if not isinstance(result, type) and not hasattr(result, "__array__"):
        make = getattr(result, "view", None)
        made = make() if callable(make) else None
        if isinstance(made, View):
            return made
    raise BadOptionError(
        f"vs.view() shows results, which have a method view(), views, and files that they were written to; "
        f"got {_kind(result)}."
    )


def _kind(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def joined(views: Sequence[View]) -> View:
    """Views one after the other, each under its title."""
    blocks: list[Mapping[str, Any]] = []
    for number, each in enumerate(views, start=1):
        blocks.append(heading(each.title))
        if each.lead:
            blocks.append(text(each.lead))
        blocks += [_renamed(block, f"{number}-") for block in each.blocks]
    return View(f"{len(views)} results", "", blocks)


def _renamed(block: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """A block whose id, and that of the scene it speaks of, are not those of another view."""
    named = {
        key: f"{prefix}{block[key]}" for key in ("id", "scene") if isinstance(block.get(key), str)
    }
    return {**block, **named}
