"""Shards, and who may write where."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from vlmscope.errors import BadOptionError, OutputError
from vlmscope.labels.locks import Shard, job_lock


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/2", ""])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(BadOptionError, match="written 3/16"):
        Shard.parse(text)


def test_every_image_is_in_one_shard() -> None:
    digests = [hashlib.blake2b(str(n).encode(), digest_size=16).digest() for n in range(3000)]
    shards = [Shard.parse(f"{n}/3") for n in (1, 2, 3)]
    held = [[shard.holds(digest) for digest in digests] for shard in shards]
    assert all(sum(each) == 1 for each in zip(*held, strict=True))
    assert all(900 < sum(each) < 1100 for each in held)


def test_a_lock_of_a_process_that_was_killed_is_none(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        with job_lock(tmp_path, Shard()):
            os.write(writer, b"x")
            time.sleep(60)
    os.read(reader, 1)
    with pytest.raises(OutputError, match="Another job"), job_lock(tmp_path, Shard()):
        pass
    os.kill(child, 9)
    os.waitpid(child, 0)
    with job_lock(tmp_path, Shard()):
        pass


def test_shards_of_one_division_work_side_by_side(tmp_path: Path) -> None:
    with job_lock(tmp_path, Shard(1, 2)), job_lock(tmp_path, Shard(2, 2)):
        pass
    with job_lock(tmp_path, Shard(1, 3)):  # the files of other divisions hold nobody up
        pass
