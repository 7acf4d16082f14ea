"""Where a name leads: an embedded model, a folder, or a repository of the hub at one commit."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vlmscope.errors import BadOptionError, ModelLoadError, UnknownNameError, VlmscopeError
from vlmscope.hub import no_connection
from vlmscope.io import is_folder
from vlmscope.models.families import FAMILIES
from vlmscope.models.loading.damage import check_pointers, check_sizes
from vlmscope.models.loading.refusals import fault_of, load_error
from vlmscope.models.loading.wrappers import MERGE

__all__ = ["OPEN_CLIP", "Source", "find_source", "fingerprint", "locate", "pinned"]

OPEN_CLIP = "open_clip_config.json"

_ADAPTER = "adapter_config.json"

_FINGERPRINT_BYTES = 1 << 20
_PATIENCE = 10.0  # seconds for the hub's first answer


@dataclass(frozen=True)
class Source:
    """Where a checkpoint lies.

    Attributes:
        name: as it was asked for.
        folder: the folder that holds it; None: the hub.
        embedded: whether it comes with vlmscope.
        revision: commit on the hub, or :func:`fingerprint` of a folder; None until it is pinned.
        config: what ``config.json`` says, of open_clip's the model type alone; empty until it is
            pinned.
        files: where the files lie that are on this machine: the folder, or the commit's place in
            the hub's cache; None until it is pinned.
        offline: why the hub cannot be asked, so that its cache alone is used; None: it can.
    """

    name: str
    folder: Path | None = None
    embedded: bool = False
    revision: str | None = None
    config: dict[str, Any] = field(default_factory=dict)
    files: Path | None = None
    offline: str | None = None

    @property
    def path(self) -> str:
        """What transformers is given: the folder, or the id on the hub."""
        return self.name if self.folder is None else str(self.folder)

    @property
    def options(self) -> dict[str, Any]:
        """What transformers is given beside :attr:`path`, so that all is read from one state."""
        # said, not left out: without a word transformers asks on the terminal and runs it on "y"
        options: dict[str, Any] = {"trust_remote_code": False}
        if self.folder is None:
            # without a connection every look-up is tried again and again, for minutes in all
            options |= {"revision": self.revision, "local_files_only": self.offline is not None}
        return options

    @property
    def open_clip(self) -> bool:
        """Whether it is a folder as open_clip writes it."""
        return self.folder is not None and (self.folder / OPEN_CLIP).is_file()


def find_source(name: str, revision: str | None = None) -> Source:
    """The place that a name stands for, with its configuration and its one state.

    Raises:
        UnknownNameError, BadOptionError: from :func:`locate`.
        ModelLoadError: from either step; says what to do.
    """
    return pinned(locate(name, revision), revision)


def locate(name: str, revision: str | None = None) -> Source:
    """The place that a name stands for; nothing is downloaded.

    Args:
        name: an embedded id, a hub id (``owner/name``) or a folder.
        revision: branch, tag or commit, for hub ids alone.

    Raises:
        UnknownNameError: a name that is none of these.
        ModelLoadError: a folder without a configuration.
        BadOptionError: a name that is empty or no text, or a revision of something that has none.
    """
    if not isinstance(name, str | os.PathLike) or not os.fspath(name).strip():
        got = repr(name) if isinstance(name, str) or name is None else type(name).__name__
        raise BadOptionError(
            f"A model is named by an embedded id, a hub id (owner/name) or a folder, got {got}. The "
            "smallest is 'tiny-llava'; see: vlmscope models."
        )
    source = _source(os.fspath(name))
    if revision is not None and source.folder is not None:
        raise BadOptionError(
            f"The revision {revision!r} was given, but {name} is "
            f"{'embedded in vlmscope' if source.embedded else 'a folder'}, which has none: a "
            "revision names a state of a repository on the hub. Leave it out."
        )
    return source


def _source(name: str) -> Source:
    cards = FAMILIES.cards()
    if name in [card.id for card in cards if card.embedded]:
        from vlmscope.tiny import embedded_path

        return Source(name, Path(embedded_path(name)), embedded=True)
    path = Path(name).expanduser()
    if is_folder(path):
        if (path / _ADAPTER).is_file():
            raise _adapter_error(name, path)
        if not any((path / config).is_file() for config in ("config.json", OPEN_CLIP)):
            raise ModelLoadError(
                f"The folder {path} holds no config.json, so it is no transformers checkpoint. "
                "Give the folder that save_pretrained() wrote."
            )
        check_pointers(path)
        return Source(name, path)
    if path.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1:
        raise UnknownNameError(
            "model",
            name,
            [card.id for card in cards],
            "Give an embedded id, a hub id (owner/name) or an existing folder.",
            where="See: vlmscope models.",
        )
    return Source(name)


def pinned(source: Source, revision: str | None = None) -> Source:
    """The source with its configuration, and with the one state that everything is read from.

    A branch may move between two downloads; a commit does not.

    Args:
        source: from :func:`locate`.
        revision: branch, tag or commit on the hub; None: its main branch.

    Raises:
        ModelLoadError: a configuration that is no JSON object or names no model type, or a hub that
            has no such file or cannot be asked; says what to do.
    """
    try:
        return _pinned_on_hub(source, revision) if source.folder is None else _pinned_here(source)
    except VlmscopeError:
        raise
    except Exception as error:
        raise load_error(source.name, error) from error


def _pinned_here(source: Source) -> Source:
    folder = source.folder
    assert folder is not None
    # open_clip's own file names no model type; it writes nothing but CLIP
    config = (
        {"model_type": "clip"}
        if source.open_clip
        else _read_config(folder / "config.json", source.name)
    )
    return replace(source, config=config, revision=fingerprint(folder), files=folder)


def _pinned_on_hub(source: Source, revision: str | None) -> Source:
    from huggingface_hub import HfApi, hf_hub_download

    offline = None
    try:
        state = HfApi().model_info(source.name, revision=revision, timeout=_PATIENCE)
    except Exception as error:
        offline = no_connection(error)
        if offline is None:
            raise
        # when the cache has nothing either, this raises, with the error above as its context
        file = hf_hub_download(source.name, "config.json", revision=revision, local_files_only=True)
    else:
        if any(file.rfilename == _ADAPTER for file in state.siblings or ()):
            raise _adapter_error(source.name)
        # by the branch's name, so that the cache learns what it stands for
        file = hf_hub_download(source.name, "config.json", revision=revision)
    folder = Path(file).parent  # the cache keeps one folder per commit
    if (folder / _ADAPTER).is_file():
        raise _adapter_error(source.name, folder)
    config = _read_config(Path(file), source.name)
    return replace(source, config=config, revision=folder.name, files=folder, offline=offline)


def _adapter_error(name: str, folder: Path | None = None) -> ModelLoadError:
    """transformers applies an adapter beside the weights only where peft is, and says nothing."""
    base = None
    if folder is not None:
        try:
            settings = json.loads((folder / _ADAPTER).read_text(encoding="utf-8"))
            base = settings.get("base_model_name_or_path")
        except (OSError, ValueError, AttributeError, RecursionError):
            base = None  # damaged: the base is only named to help
    base_model = repr(base) if isinstance(base, str) and base else "its base model"
    return ModelLoadError(
        f"{name} holds an adapter ({_ADAPTER}), which is not applied here: load {base_model} and the "
        f"adapter with peft, merge them by {MERGE}, and give from_pretrained_model the result or load "
        "the folder that its save_pretrained() writes."
    )


def _read_config(file: Path, name: str) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelLoadError(
            f"{name} could not be loaded: its config.json is no JSON "
            f"({fault_of(error)}). It was cut off or edited: fetch the checkpoint again."
        ) from error
    if not isinstance(config, dict) or not isinstance(config.get("model_type"), str):
        raise ModelLoadError(
            f"The config.json of {name} names no model_type, so it is no transformers checkpoint. "
            "Give one that save_pretrained() wrote."
        )
    check_sizes(config, name)
    return config


def fingerprint(folder: Path) -> str | None:
    """A short digest of the weights in a folder: names, sizes, and both ends of every file.

    Not the whole content: a 15 GB checkpoint should not be read twice to be named.
    """
    digest = hashlib.sha256()
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("*.bin"))
    for file in files:
        size = file.stat().st_size
        digest.update(f"{file.name}:{size}".encode())
        with file.open("rb") as stream:
            digest.update(stream.read(_FINGERPRINT_BYTES))
            stream.seek(max(0, size - _FINGERPRINT_BYTES))
            digest.update(stream.read(_FINGERPRINT_BYTES))
    return f"sha256:{digest.hexdigest()[:16]}" if files else None
