"""One hostile input: files, and the door into which they go."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Input"]


@dataclass(frozen=True)
class Input:
    """Files and what is called on them.

    Attributes:
        words: a command line without the program's name; or ``@door`` and what it takes, for a door
            of the library in ``tools/fuzz/library.py``.
        files: path within the folder -> content; a Path is linked, for what is large and not changed.
        written: files and folders that the call may make or change.
    """

    words: tuple[str, ...]
    files: Mapping[str, bytes | Path] = field(default_factory=dict, repr=False)
    written: tuple[str, ...] = ()

    @property
    def library(self) -> bool:
        """Whether a door of the library is called and not the command line."""
        return bool(self.words) and self.words[0].startswith("@")

    @property
    def line(self) -> str:
        """The call, as it could be typed."""
        return shlex.join(self.words if self.library else ("vlmscope", *self.words))

    def lay_out(self, folder: Path) -> None:
        """Write the files into a folder, which is there and empty."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                path.symlink_to(content)
            else:
                path.write_bytes(content)
