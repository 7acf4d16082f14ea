"""Clips for tests: random frames, a ball that moves, and files of every kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["ball", "random_frames", "save_animation", "save_video"]


def random_frames(count: int, height: int, width: int, seed: int = 0) -> list[np.ndarray]:
    """Uint8 (height, width, 3) each, no two alike."""
    noise = np.random.default_rng(seed)
    return list(noise.integers(40, 215, (count, height, width, 3), dtype=np.uint8))


def ball(count: int = 20, height: int = 96, width: int = 128) -> list[np.ndarray]:
    """A red ball that goes right by 5 pixels a frame, on grey."""
    frames = []
    for index in range(count):
        picture = Image.new("RGB", (width, height), (60, 60, 60))
        left = 10 + 5 * index
        ImageDraw.Draw(picture).ellipse((left, 40, left + 20, 60), fill=(220, 30, 30))
        frames.append(np.asarray(picture))
    return frames


def save_video(
    path: Path, frames: list[np.ndarray], rate: int = 10, codec: str = "libx264"
) -> Path:
    """Encode frames by PyAV."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def save_animation(path: Path, frames: list[np.ndarray], milliseconds: int = 100) -> Path:
    """A GIF, WebP or PNG."""
    first, *rest = (Image.fromarray(frame) for frame in frames)
    first.save(path, save_all=True, append_images=rest, duration=milliseconds)
    return path
