"""``ground_clip``: when is it in a clip, and where?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from vlmscope.attention.pictures import Shown
from vlmscope.data.clips import FRAMES, Clip, ClipSource, open_clip
from vlmscope.errors import UnknownNameError
from vlmscope.methods.grounder import Phrase
from vlmscope.methods.together.asked import Found, asked
from vlmscope.models import LoadedModel, Prompt
from vlmscope.models.clips import reads_video
from vlmscope.results import ClipGrounding

__all__ = ["WAYS", "check_way", "ground_clip"]

WAYS = ("video", "pictures")
"""How a model may be shown the frames of a clip."""


@overload
def ground_clip(
    model: LoadedModel,
    clip: ClipSource | Clip,
    phrases: Phrase,
    frames: int = ...,
    way: str | None = ...,
    fps: float | None = ...,
    method: str | None = ...,
    heads: Any = ...,
    placement: str | None = ...,
    prompt: str | None = ...,
    rows: str | int | Sequence[int] | None = ...,
    **options: Any,
) -> ClipGrounding: ...


@overload
def ground_clip(
    model: LoadedModel,
    clip: ClipSource | Clip,
    phrases: Sequence[Phrase],
    frames: int = ...,
    way: str | None = ...,
    fps: float | None = ...,
    method: str | None = ...,
    heads: Any = ...,
    placement: str | None = ...,
    prompt: str | None = ...,
    rows: str | int | Sequence[int] | None = ...,
    **options: Any,
) -> list[ClipGrounding]: ...


def ground_clip(
    model: LoadedModel,
    clip: ClipSource | Clip,
    phrases: Phrase | Sequence[Phrase],
    frames: int = FRAMES,
    way: str | None = None,
    fps: float | None = None,
    method: str | None = None,
    heads: Any = None,
    placement: str | None = None,
    prompt: str | None = None,
    rows: str | int | Sequence[int] | None = None,
    **options: Any,
) -> ClipGrounding | list[ClipGrounding]:
    """Find when a phrase is in a clip, and where: a Grounding for each step in time, and its share.

    Args:
        model: a model with a decoder.
        clip: path of a video (extra ``video``), of an animated picture or of a folder of frames; a
            list of pictures; or a clip from :func:`vlmscope.open_clip`.
        phrases: one phrase, or several, each with a pass of its own.
        frames: how many are taken, evenly; all of a clip that has fewer.
        way: ``video``: the model reads them as a video, in families of which that is known;
            ``pictures``: as several images of one prompt. None: as a video where it can.
        fps: frames per second of a folder or a list.
        method, heads, placement, prompt, rows: as for :func:`vlmscope.ground_pictures`. ``placement``
            is for pictures: a video is fitted in its family's one way.
        **options: of the method.

    Returns:
        One result for one phrase, a list for a sequence of phrases.

    Raises:
        BadImageError: no frames, a broken file, frames of different sizes.
        UnsupportedError: a family that takes one picture per prompt, or reads no videos.
        UnknownNameError: another way.
        MissingExtraError: a video file without PyAV.
        BadPhraseError, BadOptionError, BadHeadSetError: as :func:`vlmscope.ground_pictures`.
    """
    check_way(way)
    ready = asked(model, phrases, method, heads, placement, prompt, rows, options)
    opened = open_clip(clip, frames, fps=fps)
    chosen = way or ("video" if reads_video(ready.model) else "pictures")
    shown = Shown(ready.model, opened.frames, opened.times if chosen == "video" else None)
    results = [_result(found, opened, chosen) for found in ready.find(shown)]
    return results[0] if isinstance(phrases, str | Prompt) else results


def check_way(way: str | None) -> None:
    """Raise UnknownNameError for a way that is none of :data:`WAYS`."""
    if way is not None and way not in WAYS:
        raise UnknownNameError("way to read a clip", way, WAYS)


def _result(found: Found, clip: Clip, way: str) -> ClipGrounding:
    steps = tuple(
        (number, number + 1) if each is None else each for number, each in enumerate(found.frames)
    )
    record = {"way": way, "frames_asked": len(clip)}
    return ClipGrounding(
        **found.fields({**record, "shown": list(step)} for step in steps),
        source=clip.name,
        way=way,
        shown=clip.frames,
        seconds=clip.times,
        indices=clip.indices,
        steps=steps,
        notes=clip.notes,
    )
