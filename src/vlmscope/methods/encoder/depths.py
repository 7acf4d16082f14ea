"""Places between blocks, named by how deep they lie, for towers of any depth."""

from __future__ import annotations

from vlmscope.errors import BadOptionError

__all__ = ["depth_of"]


def depth_of(name: str, value: int, share: float, blocks: int) -> int:
    """After how many blocks something is read: also the number, from 0, of the block that reads it.

    Args:
        name: of the option, for the message.
        value: after how many blocks; 0: by ``share``.
        share: of the tower's blocks, rounded, within 1 and all but one; 0.75 is after 9 of 12.
        blocks: how many the tower has.

    Raises:
        BadOptionError: no block is left that reads it.
    """
    if blocks < 2:
        raise BadOptionError(
            f"{name} is a place between two blocks, and this tower has {blocks}. Use maskclip or "
            "clearclip, which read the last block alone."
        )
    depth = value or min(blocks - 1, max(1, round(share * blocks)))
    if depth >= blocks:
        raise BadOptionError(
            f"The tower has {blocks} blocks, so {name} lies between 1 and {blocks - 1}, got {value}."
        )
    return depth
