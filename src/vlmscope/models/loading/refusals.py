"""What transformers, the hub and the disk raise while a model is loaded, as one clear message."""

from __future__ import annotations

import contextlib
import errno
import json
import re
from collections.abc import Iterator, Sequence

from vlmscope.errors import ModelLoadError, VlmscopeError
from vlmscope.hub import chain_of, is_kind, no_connection, refusal, text_of
from vlmscope.models.loading.foreign_code import foreign_code_message

__all__ = ["explained", "fault_of", "is_fault", "load_error"]


_Chain = Sequence[BaseException]

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

_FULL_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")

_NOT_WHOLE = ("SafetensorError", "SafetensorsParsingError", "UnpicklingError", "EOFError")

_HUB_ADVICE = "make sure you don't have a local directory"


@contextlib.contextmanager
def explained(name: str, offline: str | None = None) -> Iterator[None]:
    """Turn whatever a loading step raises into a ModelLoadError that says what to do.

    Everything is caught: files come from strangers, and a damaged one can make any library raise
    anything. The first error stays attached as the cause.

    Args:
        name: of the model.
        offline: why the hub's cache alone is used, so that a file which is not there is explained;
            None: it is not.

    Raises:
        ModelLoadError: in place of all but vlmscope's own errors.
    """
    try:
        yield
    except VlmscopeError:
        raise
    except BaseException as error:
        if not is_fault(error):
            raise
        raise load_error(name, error, offline) from error


def is_fault(error: BaseException) -> bool:
    """Whether something went wrong: panics of tokenizers (Rust) are no ``Exception``."""
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


def load_error(name: str, error: BaseException, offline: str | None = None) -> ModelLoadError:
    """What an error of a loading step means, and what to do; see :func:`explained`."""
    return ModelLoadError(_explain(name, error, offline))


def _explain(name: str, error: BaseException, offline: str | None) -> str:
    chain = chain_of(error)
    for reason in (
        _memory,
        _disk,
        _hub,
        _network,
        _pickle,
        _damage,
        _json,
        _foreign_code,
        _package,
    ):
        sentence = reason(name, chain)
        if sentence is not None:
            return sentence
    if offline is not None and any(isinstance(each, OSError) for each in chain):
        return _not_here(name, offline)
    return f"{name} could not be loaded: {fault_of(error)}"


def fault_of(error: BaseException) -> str:
    """What an error says, as a clause; where its words are advice to programmers, in others."""
    text = text_of(error)
    if "BOM" in text:
        return "it begins with a byte order mark; save it as UTF-8 without one"
    if text.startswith("Can't load") and _HUB_ADVICE in text:  # no file, or nothing of use in it
        file = re.search(r"containing (?:a|the) (\S+)", text)
        files = file[1] if file else "all of its settings"
        return f"{files} is missing or damaged; fetch the checkpoint again"
    return text


def _memory(name: str, chain: _Chain) -> str | None:
    for error in chain:
        full = isinstance(error, MemoryError) or is_kind(error, ["OutOfMemoryError"])
        if full or any(sign in str(error).lower() for sign in _FULL_MEMORY):
            return (
                f"The memory is too small for {name}: {text_of(error)}. `vlmscope doctor {name}` says "
                "what it needs and what is free. Give dtype='bfloat16', another device, or "
                "device_map='auto' to spread it."
            )
    return None


def _disk(name: str, chain: _Chain) -> str | None:
    for error in chain:
        if isinstance(error, OSError) and error.errno in _NO_ROOM:
            return (
                f"The disk is full: {text_of(error)}. Free some room for {name}, or set HF_HOME to a "
                "folder on another disk."
            )
        if isinstance(error, PermissionError):
            return (
                f"A file of {name} may not be read or written: {text_of(error)}. Change its "
                "permissions, or set HF_HOME to a folder that is yours."
            )
    return None


def _hub(name: str, chain: _Chain) -> str | None:
    from huggingface_hub import errors as hub

    refused = refusal(name, chain[0])
    if refused is not None:
        return refused
    for error in chain:
        if isinstance(error, hub.EntryNotFoundError) and not isinstance(
            error, hub.LocalEntryNotFoundError
        ):
            return (
                f"{name} is on the hub, but is no transformers checkpoint: a file is missing "
                f"({text_of(error)}). Give one that has config.json and weights."
            )
    return None


def _network(name: str, chain: _Chain) -> str | None:
    from huggingface_hub import errors as hub

    cause = no_connection(chain[0])
    if cause is None and any(isinstance(error, hub.LocalEntryNotFoundError) for error in chain):
        cause = "the hub cannot be reached"
    if cause is not None:
        return _not_here(name, cause)
    answers = [error for error in chain if isinstance(error, hub.HfHubHTTPError)]
    return f"The hub refuses to deliver {name}: {text_of(answers[0])}" if answers else None


def _not_here(name: str, cause: str) -> str:
    return (
        f"{name} is not in the local cache, or not all of it, and {cause}. Connect once to "
        "download it, or give a local folder; `tiny-llava` needs no network."
    )


def _pickle(name: str, chain: _Chain) -> str | None:
    """What the restricted loader of torch refuses; its own words advise to do without it."""
    text = next((str(each) for each in chain if "weights_only" in str(each)), None)
    if text is None:
        return None
    wish = re.search(r"GLOBAL (\S+)", text)
    what = f"it asks for {wish[1]}, which is no tensor" if wish else "it is damaged or no such file"
    return (
        f"The pickled weights (.bin) of {name} were not read, since a pickle may run code and the "
        f"loader for tensors alone refuses this one: {what}. Give weights as safetensors, or fetch "
        "the checkpoint again."
    )


def _damage(name: str, chain: _Chain) -> str | None:
    for error in chain:
        if is_kind(error, _NOT_WHOLE) or "PytorchStreamReader" in str(error):
            return (
                f"A weights file of {name} is damaged: {text_of(error)}. It was probably cut off "
                "while it was copied or downloaded. Delete it and fetch it again."
            )
    return None


def _json(name: str, chain: _Chain) -> str | None:
    for error in chain:
        if isinstance(error, json.JSONDecodeError):
            return (
                f"{name} could not be loaded: one of its settings files is no JSON "
                f"({fault_of(error)}). It was cut off or edited: fetch the checkpoint again."
            )
    return None


def _foreign_code(name: str, chain: _Chain) -> str | None:
    if not any("trust_remote_code" in str(error) for error in chain):
        return None
    return foreign_code_message(name)


def _package(name: str, chain: _Chain) -> str | None:
    if len(chain) > 1 and any("torchvision::" in str(error) for error in chain):
        return (
            f"{name} could not be loaded: a torchvision is installed that does not belong to this torch "
            "and cannot be imported, and transformers imports it wherever it is installed. Uninstall it "
            "(pip uninstall torchvision), or install the build that belongs to your torch."
        )
    for error in chain:
        if isinstance(error, ImportError):
            return f"{name} needs a package that is not installed: {text_of(error)}"
    return None
