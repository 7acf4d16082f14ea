"""Data sets on the Hugging Face hub: ``hf://datasets/OWNER/NAME`` in place of a folder."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from vlmscope.errors import BadSampleError
from vlmscope.hub import no_connection, refusal, text_of

__all__ = ["Fetched", "fetched_set", "of_address"]

# where an address has been a Path, one of its slashes is gone
_HUB = re.compile(r"hf:/{1,2}(?P<rest>.*)", re.DOTALL)
_ADDRESS = re.compile(r"datasets/(?P<repository>[^/@\s]+/[^/@\s]+)(?:@(?P<revision>[^/\s]+))?/?")
_FILES = ("*.parquet", "manifest.json")


class Fetched(NamedTuple):
    """A data set of the hub on this machine.

    Attributes:
        folder: where its Parquet files lie.
        address: where they are from, with the commit: ``hf://datasets/OWNER/NAME@COMMIT``.
    """

    folder: Path
    address: str


def fetched_set(root: str | os.PathLike[str] | None) -> Fetched | None:
    """The Parquet files of a data set, from the hub or its cache; None: root is no address.

    Args:
        root: a folder, or ``hf://datasets/OWNER/NAME``, perhaps with ``@REVISION``.

    Raises:
        BadSampleError: no such address, data set or revision, no Parquet file in it, or the hub cannot
            be reached and the cache has nothing.
    """
    text = "" if root is None else os.fspath(root)
    hub = _HUB.fullmatch(text)
    if hub is None:
        return None
    match = _ADDRESS.fullmatch(hub["rest"])
    if match is None:
        raise BadSampleError(
            "Data sets on the hub are named hf://datasets/OWNER/NAME, perhaps with @REVISION, got "
            f"{'hf://' + hub['rest']!r}."
        )
    name = match["repository"]
    folder = _downloaded(name, match["revision"])
    if not any(folder.rglob("*.parquet")):
        raise BadSampleError(
            f"The data set {name} is on the hub, but holds no Parquet file. Download it as its page "
            "says, unpack it, and give the folder as --root."
        )
    return Fetched(folder, f"hf://datasets/{name}@{folder.name}")


@contextlib.contextmanager
def of_address(fetched: Fetched) -> Iterator[None]:
    """Say where files are from when something is wrong with them: their paths lie in a cache.

    Raises:
        BadSampleError: in place of another.
    """
    try:
        yield
    except BadSampleError as error:
        raise BadSampleError(
            f"{error} The files are those of {fetched.address}, of which Parquet alone is fetched. A "
            "set whose images are not inside is downloaded as its page says, into a folder of your "
            "own: give that as --root."
        ) from error


def _downloaded(name: str, revision: str | None) -> Path:
    from huggingface_hub import errors as hub

    try:
        return _snapshot(name, revision)
    except hub.LocalEntryNotFoundError as error:
        cause = no_connection(error) or "the hub cannot be reached"
        raise BadSampleError(
            f"The data set {name} is not in the local cache, and {cause}. Connect once to download "
            "it, or give a folder."
        ) from error
    except Exception as error:
        reason = refusal(name, error, "data set") or text_of(error)
        raise BadSampleError(f"The data set {name} could not be fetched: {reason}") from error


def _snapshot(name: str, revision: str | None) -> Path:
    """From the hub, or from the cache alone where the hub cannot be asked."""
    from huggingface_hub import snapshot_download

    files = list(_FILES)
    try:
        return Path(
            snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=files)
        )
    except Exception as error:
        if no_connection(error) is None:
            raise
        # when the cache has nothing either, this raises, with the error above as its context
        place = snapshot_download(
            name,
            repo_type="dataset",
            revision=revision,
            allow_patterns=files,
            local_files_only=True,
        )
        return Path(place)
