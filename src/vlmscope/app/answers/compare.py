"""A phrase by several methods, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from vlmscope.app.answers.session import usable_methods
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.service import Service
from vlmscope.methods import get_method
from vlmscope.methods.compare import compare_methods
from vlmscope.models import Prompt
from vlmscope.results.comparison_views import methods_view
from vlmscope.viewer import View

__all__ = ["compare_view"]


def compare_view(
    service: Service, picture: StoredPicture, phrase: Prompt, methods: Sequence[str] | None
) -> View:
    """Ground a phrase by several methods.

    Args:
        service: the model.
        picture: where to look.
        phrase: what for.
        methods: ids; None: all that can be run here.

    Raises:
        VlmscopeError: as :func:`vlmscope.compare_methods`.
    """
    model, named = service.model, service.settings.heads
    chosen = list(usable_methods(model, named) if methods is None else methods)
    takes = any("heads" in get_method(each).takes for each in chosen)
    heads = {"heads": named} if named is not None and takes else {}
    comparison = compare_methods(model, picture.opened, phrase, chosen, **heads)
    return methods_view(comparison, picture=picture.shown)
