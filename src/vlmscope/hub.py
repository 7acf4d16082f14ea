"""What the hub's client raises, told apart: no connection, no permission, nothing of that name."""

from __future__ import annotations

from collections.abc import Collection, Sequence

__all__ = ["chain_of", "forbidden", "is_kind", "no_connection", "refusal", "text_of"]

# base classes by name: the hub's client has changed its HTTP library, and none of them is ours
_NO_CONNECTION = {"TransportError", "TimeoutException", "ConnectionError", "TimeoutError"}

_LATER = {408, 429, 500, 502, 503, 504}  # answers after which a cached copy is better than none

_FORBIDDEN = {401, 403}

_LONGEST = 700


def no_connection(error: BaseException) -> str | None:
    """Why the hub could not be asked, if that is what an error says; None: it is another error."""
    from huggingface_hub import errors as hub

    chain = chain_of(error)
    if any(isinstance(each, hub.OfflineModeIsEnabled) for each in chain):
        return "offline mode is on (HF_HUB_OFFLINE)"
    for each in chain:
        answer = getattr(each, "response", None) if isinstance(each, hub.HfHubHTTPError) else None
        if answer is not None and answer.status_code in _LATER:
            return f"the hub cannot answer now (status {answer.status_code})"
        if is_kind(each, _NO_CONNECTION):
            return "the hub cannot be reached"
    return None


def refusal(name: str, error: BaseException, kind: str = "model") -> str | None:
    """Why the hub does not show a repository, and what to do; None: it says something else.

    Args:
        name: of the repository.
        error: what its client raised.
        kind: what was looked for: model, head set.
    """
    from huggingface_hub import errors as hub

    for each in chain_of(error):
        if isinstance(each, hub.GatedRepoError):
            return (
                f"{name} is gated: accept its licence on its hub page and log in with "
                "`hf auth login`, then try again."
            )
        if isinstance(each, hub.RepositoryNotFoundError):
            return (
                f"The hub knows no {kind} {name!r} (or it is private and you are not logged in). "
                "Check the spelling, or log in with `hf auth login`."
            )
        if isinstance(each, hub.RevisionNotFoundError):
            return f"{name} has no such revision. Give a branch, tag or commit that exists."
    return None


def forbidden(error: BaseException) -> str | None:
    """That one may not do this, if that is what an error says; None: it is another error."""
    from huggingface_hub import errors as hub

    for each in chain_of(error):
        answer = getattr(each, "response", None) if isinstance(each, hub.HfHubHTTPError) else None
        if answer is not None and answer.status_code in _FORBIDDEN:
            return (
                f"you are not logged in as somebody who may do that (status {answer.status_code})"
            )
    return None


def chain_of(error: BaseException) -> list[BaseException]:
    """The error and what led to it, last first."""
    chain: list[BaseException] = []
    step: BaseException | None = error
    while step is not None and step not in chain:
        chain.append(step)
        step = step.__cause__ or step.__context__
    return chain


def is_kind(error: BaseException, names: Sequence[str] | Collection[str]) -> bool:
    """Whether an error is of a class of one of these names, or of one derived from it."""
    return any(base.__name__ in names for base in type(error).__mro__)


def text_of(error: BaseException) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split())[:_LONGEST] or type(error).__name__
