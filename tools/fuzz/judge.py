"""The property that every call has to keep, whatever it was given."""

from __future__ import annotations

import io
import json
import re
import traceback
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from PIL import Image

from tools.fuzz.doors import Outcome
from tools.fuzz.inputs import Input
from vlmscope.errors import VlmscopeError

__all__ = ["faults", "verdict"]

_ERROR = "vlmscope: error: "
_LONGEST = 2_000  # characters of a message

# what only a library writes: its traces, its warnings, its advice to people who write programs
_FOREIGN = re.compile(
    r"Traceback \(most recent call last\)|fault of vlmscope|weights_only=|trust_remote_code=True`"
    r"|Do you wish to run|[Pp]lease (open|file|report) an? (issue|bug)|You should probably TRAIN"
    r"|ignore_mismatched_sizes|utf-8-sig|\bhuggingface\.co/"
)

# lines on stderr that no vlmscope writes: warnings of Python, of logs and of libraries in C
_CHATTER = re.compile(
    r"^\S+\.py:\d+: \w+Warning: |^\[transformers\]|^\w+ LOAD REPORT|^libpng|^TIFF\w*:|Corrupt JPEG"
    r"|^Exception ignored in",
    re.MULTILINE,
)


def verdict(outcome: Outcome) -> str:
    """``accepted`` or ``refused``, of a call without faults."""
    refused = outcome.error is not None or outcome.code == 2
    return "refused" if refused else "accepted"


def faults(case: Input, outcome: Outcome) -> list[str]:
    """What is wrong with a call, a line each; empty: nothing."""
    found = list(_raised(outcome) if case.library else _ended(case, outcome))
    found += _beside(outcome)
    found += _left(case, outcome)
    return found


def _raised(outcome: Outcome) -> Iterator[str]:
    """A door of the library returns, or raises one of ours with something to read."""
    error = outcome.error
    if error is None:
        return
    if not isinstance(error, VlmscopeError):
        yield f"raised {_trace(error)}"
    else:
        yield from _unreadable(str(error))


def _ended(case: Input, outcome: Outcome) -> Iterator[str]:
    """The command line ends with a code that is promised, and says why."""
    out, err = outcome.seen.out, outcome.seen.err
    if outcome.error is not None:
        yield f"raised {_trace(outcome.error)}"
        return
    if outcome.code not in (0, 1, 2):
        yield f"ended with the code {outcome.code}"
    # who asks for help gets a page to read
    as_json = "--json" in case.words and not {"-h", "--help"} & set(case.words)
    if as_json:
        yield from _not_json(out, failed=outcome.code == 2)
    if outcome.code == 2:
        yield from _unexplained(err)
        if out and not as_json:
            yield f"failed and wrote to stdout: {out[:200]!r}"
    elif _ERROR in err:
        yield f"ended with the code {outcome.code} and an error: {err[-300:]!r}"
    if outcome.code == 1 and not err.strip() and not out.strip():
        yield "ended with the code 1 and did not say why"


def _unexplained(err: str) -> Iterator[str]:
    """Of a failure there is one sentence, the last line of stderr."""
    lines = err.splitlines()
    errors = [line for line in lines if line.startswith(_ERROR)]
    if len(errors) != 1 or lines[-1] != errors[0]:
        yield f"failed without its one sentence: {err[-300:]!r}"
        return
    yield from _unreadable(errors[0].removeprefix(_ERROR))


def _unreadable(message: str, longest: int = _LONGEST) -> Iterator[str]:
    if not message.strip():
        yield "an empty message"
    if len(message) > longest:
        yield f"a message of {len(message)} characters: {message[:300]!r}"
    if _FOREIGN.search(message):
        yield f"words of a library or of nobody in a message: {message[:400]!r}"


def _not_json(out: str, failed: bool) -> Iterator[str]:
    try:
        value = json.loads(out, parse_constant=_no_constant)
    except ValueError as error:
        yield f"stdout is no strict JSON ({error}): {out[:200]!r}"
        return
    if failed and (not isinstance(value, dict) or list(value) != ["error"]):
        yield f"failed, and stdout is no error object: {out[:200]!r}"


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def _beside(outcome: Outcome) -> Iterator[str]:
    """Nothing is asked of anybody, and no library speaks."""
    if outcome.seen.calls:
        yield f"called out to {outcome.seen.calls[0]}"
    if outcome.seen.asked:
        yield "read stdin"
    for pattern in (_FOREIGN, _CHATTER):
        speaks = pattern.search(outcome.seen.err)
        if speaks is not None:
            text = outcome.seen.err[max(0, speaks.start() - 200) : speaks.start() + 400]
            yield f"a library speaks on stderr: {text!r}"
            return


def _left(case: Input, outcome: Outcome) -> Iterator[str]:
    """Files are as they were, and new ones are whole and where they belong."""
    for name, content in case.files.items():
        kept = isinstance(content, Path) or outcome.files.get(name) == content
        if not kept and not _may_write(case, name):
            yield f"changed {name}"
    failed = outcome.code == 2 or outcome.error is not None
    for name, content in outcome.files.items():
        if name in case.files:
            continue
        path = PurePosixPath(name)
        if path.name.startswith("."):
            yield f"left the temporary file {name}"
        elif not _may_write(case, name):
            yield f"wrote {name}, which nobody asked for"
        elif failed and path.suffix != ".jsonl":  # what is finished is kept for the next try
            yield f"failed and left {name}"
        elif not _whole(path.suffix, content):
            yield f"left half of {name}: {content[:80]!r}"


def _may_write(case: Input, name: str) -> bool:
    return any(name == place or name.startswith(f"{place}/") for place in case.written)


def _whole(suffix: str, content: bytes) -> bool:
    """Whether a file is what its ending says, to its end."""
    try:
        if suffix == ".json":
            json.loads(content, parse_constant=_no_constant)
        elif suffix == ".jsonl":
            for line in content.decode("utf-8").split("\n"):
                if line:
                    json.loads(line)
        elif suffix in (".png", ".jpg", ".webp"):
            Image.open(io.BytesIO(content)).load()
        else:
            return bool(content.decode("utf-8").strip())
    except (OSError, ValueError, SyntaxError):
        return False
    return True


def _trace(error: BaseException) -> str:
    places = traceback.extract_tb(error.__traceback__)
    ours = next((p for p in reversed(places) if "/vlmscope/" in p.filename), places[-1])
    where = f"{ours.filename.rpartition('/vlmscope/')[2]}:{ours.lineno}"
    return f"{type(error).__name__} at {where}: {str(error)[:300]!r}"
