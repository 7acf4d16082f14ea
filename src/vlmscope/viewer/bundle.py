"""Script and style of the viewer, as they are built from ``viewer/`` and shipped with the package."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from importlib import resources

from vlmscope.errors import UnsupportedError

__all__ = ["NAMES", "Bundle", "shipped"]

NAMES = ("viewer.js", "viewer.css")
"""Its two files."""

_FOLDER = "bundle"

# ends a script or style element, or opens a comment in which the end of a script is not seen
_BREAKS_OUT = {
    "viewer.js": re.compile(r"</script|<!--", re.I),
    "viewer.css": re.compile(r"</style", re.I),
}


@dataclass(frozen=True)
class Bundle:
    """What draws a view.

    Attributes:
        script: an ES module.
        style: a style sheet.

    Raises:
        UnsupportedError: text that cannot stand inside a page.
    """

    script: str = field(repr=False)
    style: str = field(repr=False)

    def __post_init__(self) -> None:
        for name, text in zip(NAMES, (self.script, self.style), strict=True):
            if _BREAKS_OUT[name].search(text):
                raise UnsupportedError(
                    f"{name} of the viewer holds the end of its own element, so that no page can hold "
                    "it. Build the viewer again."
                )


@functools.cache
def shipped() -> Bundle:
    """The bundle that came with the package.

    Raises:
        UnsupportedError: it is not there, as in a checkout that was never built.
    """
    folder = resources.files("vlmscope.viewer") / _FOLDER
    try:
        script, style = ((folder / name).read_text(encoding="utf-8") for name in NAMES)
    except OSError as error:
        raise UnsupportedError(
            f"The viewer's files {' and '.join(NAMES)} are missing from this installation. Install "
            "vlmscope again, or build them: cd viewer && npm ci && npm run build"
        ) from error
    return Bundle(script, style)
