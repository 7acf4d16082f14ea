"""Frames of clips: of video files, animated pictures, folders and lists."""

from vlmscope.data.clips.clip import FRAMES, Clip, ClipSource, open_clip
from vlmscope.data.clips.reel import sampled

__all__ = ["FRAMES", "Clip", "ClipSource", "open_clip", "sampled"]
