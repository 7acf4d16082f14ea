"""Progress bars: one place that knows where they are shown and who switched them off."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from vlmscope.errors import BadOptionError

__all__ = ["SWITCH", "in_notebook", "progress_bar", "shown"]

SWITCH = "VLMSCOPE_PROGRESS"
"""The environment variable that hides every bar (0), whatever ``progress=`` says; 1 changes nothing."""

_ON, _OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def progress_bar(
    items: Iterable[Any], title: str, *, total: int | None, unit: str, progress: bool
) -> Any:
    """Items under a bar, as a context: a widget in a notebook, text on stderr elsewhere.

    Args:
        items: read one by one.
        title: of the bar.
        total: how many items there are, where ``items`` does not say it.
        unit: what the bar counts.
        progress: show it, unless :data:`SWITCH` hides all.

    Raises:
        BadOptionError: the switch has a value that is none.
    """
    # the time left by the mean of the whole run: items that go in batches come in bursts
    options: dict[str, Any] = {"desc": title, "total": total, "unit": unit, "smoothing": 0}
    if not shown(progress):
        from tqdm import tqdm

        return tqdm(items, disable=True, **options)
    if in_notebook() and find_spec("ipywidgets") is not None:
        from tqdm.notebook import tqdm as widget

        return widget(items, **options)
    from tqdm import tqdm

    return tqdm(items, file=sys.stderr, **options)


def shown(progress: bool) -> bool:
    """Whether a bar is shown: it was asked for, and the switch does not hide all.

    Raises:
        BadOptionError: the switch has a value that is none.
    """
    word = os.environ.get(SWITCH, "").strip().lower()
    if word and word not in _ON + _OFF:
        raise BadOptionError(
            f"{SWITCH} is 0 (no progress bars) or 1 (where they are asked for), got {word!r}. Change it, "
            "or unset it."
        )
    return progress and word not in _OFF


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook; a terminal with IPython is none."""
    if "IPython" not in sys.modules:  # nobody imports it for us
        return False
    shell = sys.modules["IPython"].get_ipython()
    return getattr(shell, "kernel", None) is not None
