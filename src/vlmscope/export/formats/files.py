"""Files of a folder that is being written: each name once, and never outside the folder."""

from __future__ import annotations

from pathlib import Path

from vlmscope.errors import OutputError
from vlmscope.io import shown_path

__all__ = ["new_text"]


def new_text(folder: Path, name: str, text: str) -> None:
    """Write a file that is not there yet, with the folders above it.

    Args:
        folder: that is being written.
        name: of the file within it, with slashes.
        text: its content.

    Raises:
        OutputError: two images have one name, as on a disk that knows no capitals.
    """
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise OutputError(
            f"Two images would be written to {shown_path(name)}: their ids differ in nothing that this "
            "disk tells apart. Rename one, or choose a format of a single file such as coco."
        ) from error
