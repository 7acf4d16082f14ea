"""What the command lines of both trainings take, and what is set up from it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

import torch

__all__ = ["set_up", "training_parser"]


def training_parser(module: str, description: str | None) -> argparse.ArgumentParser:
    """A parser of the options that both models share.

    Args:
        module: what stands behind ``python -m``.
        description: for ``--help``.
    """
    cores = os.cpu_count() or 1
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--out", type=Path, required=True, help="folder for everything")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order")
    parser.add_argument("--minutes", type=float, help="time for training (both stages)")
    parser.add_argument("--steps", type=int, help="updates of the second stage at most")
    parser.add_argument("--vision-steps", type=int, help="updates of the vision stage at most")
    parser.add_argument("--scenes", type=int, help="scenes in the corpus")
    parser.add_argument("--corpus", type=Path, help="folder of the corpus, to share it")
    parser.add_argument("--workers", type=int, default=cores, help="processes that render")
    parser.add_argument("--threads", type=int, default=cores, help="threads that train")
    parser.add_argument("--device", help="cpu or cuda; cuda where there is one")
    parser.add_argument("--evaluate", type=int, default=384, help="held-out scenes to judge by")
    parser.add_argument("--only", choices=["corpus", "vision"], help="stop after this part")
    return parser


def set_up(options: argparse.Namespace) -> torch.device:
    """Send progress to stderr, set the threads, and say where to train."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    return torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))
