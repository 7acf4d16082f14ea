"""Head sets on the Hugging Face hub: ``hf://datasets/OWNER/NAME``, one file and a card beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from vlmscope.errors import BadHeadSetError, OutputError
from vlmscope.hub import forbidden, no_connection, refusal, text_of

__all__ = ["PREFIX", "fetched", "push"]

PREFIX = "hf://"

_FILE = "heads.json"
_ADDRESS = re.compile(
    r"hf://datasets/(?P<repository>[^/@\s]+/[^/@\s]+)(?:@(?P<revision>[^/\s]+))?(?:/(?P<file>.+\.json))?/?"
)


def fetched(address: str) -> Path:
    """The head file at an address, from the hub or its cache on this machine.

    Args:
        address: ``hf://datasets/OWNER/NAME``, perhaps with ``@REVISION`` and with ``/PATH.json``
            for another file than ``heads.json``.

    Raises:
        BadHeadSetError: no such address, repository, revision or file, or the hub cannot be reached.
    """
    from huggingface_hub import errors as hub

    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise BadHeadSetError(
            f"Head sets on the hub are named hf://datasets/OWNER/NAME, perhaps with @REVISION, got "
            f"{address!r}."
        )
    name, file, revision = match["repository"], match["file"] or _FILE, match["revision"]
    try:
        return _downloaded(name, file, revision)
    except hub.LocalEntryNotFoundError as error:
        cause = no_connection(error) or "the hub cannot be reached"
        raise BadHeadSetError(
            f"The heads {address} are not in the local cache, and {cause}. Connect once to download "
            "them, or give a head file."
        ) from error
    except hub.EntryNotFoundError as error:
        raise BadHeadSetError(
            f"{name} is on the hub, but holds no {file}. Name another file of it: "
            f"hf://datasets/{name}/FILE.json"
        ) from error
    except Exception as error:
        reason = refusal(name, error, "head set") or text_of(error)
        raise BadHeadSetError(f"The heads {address} could not be fetched: {reason}") from error


def _downloaded(name: str, file: str, revision: str | None) -> Path:
    """From the hub, or from the cache alone where the hub cannot be asked."""
    from huggingface_hub import hf_hub_download

    try:
        return Path(hf_hub_download(name, file, repo_type="dataset", revision=revision))
    except Exception as error:
        if no_connection(error) is None:
            raise
        # when the cache has nothing either, this raises, with the error above as its context
        place = hf_hub_download(
            name, file, repo_type="dataset", revision=revision, local_files_only=True
        )
        return Path(place)


def push(
    record: dict[str, Any],
    card: str,
    repo_id: str,
    *,
    private: bool | None,
    revision: str | None,
    token: str | None,
) -> str:
    """Put a head file and its card into a dataset repository, in one commit; its address.

    Raises:
        OutputError: no such name, no permission, or the hub cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    files = {_FILE: text, "README.md": card}
    api = HfApi(token=token)
    try:
        api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True)
        api.create_commit(
            repo_id,
            [CommitOperationAdd(name, content.encode()) for name, content in files.items()],
            commit_message="Localization heads",
            repo_type="dataset",
            revision=revision,
        )
    except Exception as error:
        reason = (
            no_connection(error)
            or forbidden(error)
            or refusal(repo_id, error, "repository")
            or text_of(error)
        )
        raise OutputError(
            f"The heads could not be put on the hub as {repo_id}: {reason}. Log in with "
            "`hf auth login` as somebody who may write there, or save them: heads.save('heads.json')."
        ) from error
    at = f"@{revision}" if revision else ""
    return f"{PREFIX}datasets/{repo_id}{at}"
