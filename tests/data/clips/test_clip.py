"""Frames of clips: which are taken, their times, and what is said of clips that cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vlmscope as vs
from clips import ball, save_animation, save_video
from vlmscope.data.clips import sampled
from vlmscope.data.clips.video import upright
from vlmscope.errors import BadImageError, BadOptionError, MissingExtraError

FRAMES = ball(10)


def lefts(clip: object) -> list[int]:
    """The leftmost red column of every frame: which frame of the ball it is."""
    red = [(f[..., 0].astype(int) - f[..., 1] > 80).any(axis=0) for f in clip.frames]
    return [round((int(np.argmax(columns)) - 10) / 5) for columns in red]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("clips")
    save_video(place / "ball.mp4", FRAMES)
    save_video(place / "ball.mkv", FRAMES, codec="ffv1")
    for name in ("ball.gif", "ball.webp", "ball.png"):
        save_animation(place / name, FRAMES, 200)
    (place / "frames").mkdir()
    for index, frame in enumerate(FRAMES):
        Image.fromarray(frame).save(place / "frames" / f"f{index}.png")
    return place


@pytest.mark.parametrize(
    ("total", "frames", "expected"),
    [(10, 1, (5,)), (10, 2, (2, 7)), (10, 5, (1, 3, 5, 7, 9)), (3, 8, (0, 1, 2)), (7, 7, range(7))],
)
def test_frames_are_the_middles_of_equal_parts(total: int, frames: int, expected: tuple) -> None:
    assert sampled(total, frames) == tuple(expected)


@pytest.mark.parametrize("name", ["ball.mp4", "ball.mkv"])
def test_a_video_gives_its_frames_and_times(folder: Path, name: str) -> None:
    clip = vs.open_clip(folder / name, 5)
    assert lefts(clip) == [1, 3, 5, 7, 9] and clip.indices == (1, 3, 5, 7, 9)
    assert clip.times == pytest.approx((0.1, 0.3, 0.5, 0.7, 0.9), abs=1e-3)
    assert clip.total == 10 and clip.size == (96, 128) and clip.notes == ()


@pytest.mark.parametrize("name", ["ball.gif", "ball.webp", "ball.png"])
def test_an_animation_needs_no_extra(
    folder: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    clip = vs.open_clip(str(folder / name), 2)
    assert lefts(clip) == [2, 7] and clip.times == pytest.approx((0.4, 1.4))


def test_a_folder_is_read_in_the_order_of_its_numbers(folder: Path, tmp_path: Path) -> None:
    for index, frame in enumerate([*FRAMES, *FRAMES[:2]]):
        Image.fromarray(frame).save(tmp_path / f"f{index}.png")
    clip = vs.open_clip(tmp_path, 12, fps=4)
    assert lefts(clip) == [*range(10), 0, 1]
    assert clip.times[10] == 2.5 and clip.notes == ()
    [note] = vs.open_clip(folder / "frames", 3).notes
    assert "one per second" in note


def test_a_list_of_pictures_is_a_clip_and_a_clip_stays_one() -> None:
    clip = vs.open_clip(FRAMES, 4, fps=2)
    assert lefts(clip) == [1, 3, 6, 8] and clip.times == (0.5, 1.5, 3.0, 4.0)
    assert vs.open_clip(clip, 99) is clip


def test_of_a_short_clip_all_frames_are_taken_and_it_is_said(folder: Path) -> None:
    clip = vs.open_clip(folder / "ball.mp4", 64)
    assert len(clip) == 10
    [note] = clip.notes
    assert "10 frames" in note and "64" in note


def test_without_pyav_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"vlmscope\[video\]"):
        vs.open_clip(folder / "ball.mp4")


@pytest.mark.parametrize("frames", [0, -1, 2.5, True, "8"])
def test_a_number_of_frames_is_one_or_more(folder: Path, frames: object) -> None:
    with pytest.raises(BadOptionError, match="frames is how many"):
        vs.open_clip(folder / "ball.gif", frames)


@pytest.mark.parametrize("fps", [0, -2, float("nan"), float("inf"), "4"])
def test_fps_is_above_zero(folder: Path, fps: object) -> None:
    with pytest.raises(BadOptionError, match="fps"):
        vs.open_clip(folder / "frames", 2, fps=fps)


def test_fps_is_for_what_has_no_times(folder: Path) -> None:
    with pytest.raises(BadOptionError, match="times of its own"):
        vs.open_clip(folder / "ball.gif", 2, fps=4)


def test_frames_of_two_sizes_are_named() -> None:
    with pytest.raises(BadImageError, match=r"frame 0 is 128x96, frame 1 is 64x48"):
        vs.open_clip([FRAMES[0], FRAMES[1][::2, ::2]], 2)


def broken(folder: Path, tmp_path: Path, kind: str) -> Path:
    whole = (folder / "ball.mp4").read_bytes()
    contents = {
        "empty.mp4": b"",
        "text.mp4": b"not a video\n" * 40,
        "cut.mp4": whole[: len(whole) // 2],
        "empty.gif": b"",
        "cut.gif": (folder / "ball.gif").read_bytes()[:400],
    }
    path = tmp_path / kind
    path.write_bytes(contents[kind])
    return path


@pytest.mark.parametrize("kind", ["empty.mp4", "text.mp4", "cut.mp4", "empty.gif", "cut.gif"])
def test_a_broken_file_is_named(folder: Path, tmp_path: Path, kind: str) -> None:
    path = broken(folder, tmp_path, kind)
    with pytest.raises(BadImageError, match=kind):
        vs.open_clip(path, 8)


def test_a_video_that_breaks_off_gives_what_could_be_read(folder: Path, tmp_path: Path) -> None:
    frames = [
        np.random.default_rng(seed).integers(0, 255, (96, 128, 3), np.uint8) for seed in range(30)
    ]
    whole = save_video(tmp_path / "noise.mkv", frames, codec="mpeg4").read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(whole[: len(whole) * 2 // 3])
    clip = vs.open_clip(path, 4)
    assert len(clip) == 4 and clip.total < 30
    assert list(clip.indices) == list(sampled(clip.total, 4))


def test_sound_alone_is_no_clip(tmp_path: Path) -> None:
    import av

    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        stream.layout = "mono"
        sound = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), np.int16), format="s16", layout="mono"
        )
        sound.sample_rate = 8000
        for packet in stream.encode(sound):
            container.mux(packet)
    with pytest.raises(BadImageError, match="holds no video"):
        vs.open_clip(path)


def test_what_is_no_clip_is_said(folder: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.png"
    Image.fromarray(FRAMES[0]).save(one)
    for source, words in (
        (one, "one picture"),
        (tmp_path / "none.mp4", "There is no clip"),
        ("https://example.org/a.mp4", "address"),
        ([], "no frames"),
        (b"bytes", "got bytes"),
        (3, "got int"),
    ):
        with pytest.raises(BadImageError, match=words):
            vs.open_clip(source)
    (tmp_path / "bare").mkdir()
    with pytest.raises(BadImageError, match="holds no picture"):
        vs.open_clip(tmp_path / "bare")
    with pytest.raises(BadImageError, match="too large"):
        vs.open_clip(folder / "ball.mp4", 2, max_pixels=100)


@pytest.mark.parametrize(
    ("degrees", "corner"), [(0, (0, 0)), (90, (2, 0)), (-90, (0, 1)), (180, (1, 2))]
)
def test_a_turned_frame_is_put_upright(degrees: int, corner: tuple[int, int]) -> None:
    """Anticlockwise by 90 degrees, the upper left corner becomes the lower left one."""
    frame = np.zeros((2, 3, 3), np.uint8)
    frame[0, 0] = 255
    assert upright(frame, degrees)[corner].tolist() == [255, 255, 255]
