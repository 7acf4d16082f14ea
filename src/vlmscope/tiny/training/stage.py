"""One stage of training: a loop that ends on time, keeps its state, and goes on from it."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from vlmscope.io import atomic_path
from vlmscope.tiny.training.feed import Batch, Feed
from vlmscope.tiny.training.recipe import StageOptions

__all__ = [
    "Progress",
    "Stage",
    "load_state",
    "optimizer_tensors",
    "rate_at",
    "restore_optimizer",
    "save_state",
]


_log = logging.getLogger(__name__)

Losses = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Progress:
    """How far a stage got: updates done and seconds spent on them, earlier sittings included."""

    step: int
    seconds: float
    done: bool


def rate_at(step: int, share: float, options: StageOptions) -> float:
    """The learning rate: a linear rise, then half a cosine down to zero.

    Args:
        step: updates done.
        share: how much of the stage is used up, by steps or by time, 0..1.
        options: of the stage.
    """
    rise = min(1.0, (step + 1) / options.warmup)
    return options.rate * rise * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


class Stage:
    """Trains the modules of one stage.

    Args:
        name: for the log and the state file.
        modules: every module that is trained, under the name its state is kept.
        loss: batch -> named losses; ``"loss"`` is minimised, the others are logged.
        options: of the stage.
        seconds: time after which it ends even if steps are left, or None.
        state: where the state is kept, or None to keep none.
        tower: prefix of the parameters that learn at ``options.tower_share`` of the rate.
    """

    def __init__(
        self,
        name: str,
        modules: dict[str, torch.nn.Module],
        loss: Callable[[Batch], Losses],
        options: StageOptions,
        seconds: float | None = None,
        state: Path | None = None,
        tower: str = "vision_tower",
    ) -> None:
        self._name, self._loss, self._options = name, loss, options
        self._modules = torch.nn.ModuleDict(modules)
        self._seconds, self._state = seconds, state
        self._optimizer = _optimizer(self._modules, options, tower)
        self._rates = [group["lr"] / options.rate for group in self._optimizer.param_groups]
        self._step, self._spent = 0, 0.0
        if state is not None and state.exists():
            self._resume(state)

    def run(self, feed: Feed, steps: int | None = None, keep_every: float = 120.0) -> Progress:
        """Train until the steps or the time are used up, or for ``steps`` updates.

        Args:
            feed: gives the batches.
            steps: updates in this sitting, or None for all that are left.
            keep_every: seconds between two saves of the state.
        """
        stop = self._options.steps if steps is None else self._step + steps
        started, before, kept = time.monotonic(), self._spent, time.monotonic()
        while self._step < min(stop, self._options.steps) and self._share() < 1:
            losses = self._update(feed.batch(self._step))
            self._step += 1
            if self._step % 50 == 0 or self._step == stop:
                self._report(losses)
            self._spent = before + time.monotonic() - started
            if time.monotonic() - kept > keep_every:
                self.keep()
                kept = time.monotonic()
        self.keep()
        return Progress(self._step, self._spent, self._share() >= 1)

    def keep(self) -> None:
        """Write the state, if it has a place."""
        if self._state is not None:
            tensors = {**self._modules.state_dict(), **optimizer_tensors(self._optimizer)}
            record = {"stage": self._name, "step": self._step, "seconds": self._spent}
            save_state(self._state, _unshared(tensors), record)

    def _update(self, batch: Batch) -> Losses:
        for group, share in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = share * rate_at(self._step, self._share(), self._options)
        kind = batch.pixels.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=_halves(kind)):
            losses = self._loss(batch)
        self._optimizer.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._modules.parameters(), self._options.clip)
        self._optimizer.step()
        return losses

    def _share(self) -> float:
        by_time = self._spent / self._seconds if self._seconds else 0.0
        return max(self._step / self._options.steps, by_time)

    def _resume(self, state: Path) -> None:
        tensors, record = load_state(state)
        weights = {k: v for k, v in tensors.items() if not k.startswith("optimizer.")}
        self._modules.load_state_dict(weights, strict=False)
        restore_optimizer(self._optimizer, tensors)
        self._step, self._spent = int(record["step"]), float(record["seconds"])
        _log.info("%s: going on from step %d", self._name, self._step)

    def _report(self, losses: Losses) -> None:
        values = " ".join(f"{name} {value.item():.3f}" for name, value in losses.items())
        speed = self._step * self._options.batch / max(self._spent, 1e-9)
        _log.info("%s %d: %s (%.0f scenes/s)", self._name, self._step, values, speed)


def _halves(kind: str) -> bool:
    """Whether bfloat16 is worth it: on every GPU; on a CPU only with instructions for it."""
    if kind != "cpu":
        return True
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())


def _unshared(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Without second names of the same storage (tied embeddings), which safetensors refuses."""
    seen: set[int] = set()
    kept: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if tensor.data_ptr() not in seen or tensor.numel() <= 1:
            kept[name] = tensor
            seen.add(tensor.data_ptr())
    return kept


def _optimizer(
    modules: torch.nn.Module, options: StageOptions, tower: str
) -> torch.optim.Optimizer:
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for name, parameter in modules.named_parameters():
        groups.setdefault((tower in name, parameter.ndim >= 2), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "lr": options.rate * (options.tower_share if in_tower else 1.0),
                "weight_decay": options.decay if matrix else 0.0,
            }
            for (in_tower, matrix), parameters in groups.items()
        ],
        betas=(0.9, 0.98),
        fused=True,
    )


def save_state(path: Path, tensors: Mapping[str, torch.Tensor], record: Mapping[str, Any]) -> None:
    """Write tensors and a JSON record; the record travels in the header, so they cannot part."""
    plain = {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(plain, temporary, metadata={"record": json.dumps(record)})


def load_state(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """What :func:`save_state` wrote, on the CPU."""
    with safe_open(path, framework="pt") as stored:
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
        record: dict[str, Any] = json.loads((stored.metadata() or {})["record"])
    return tensors, record


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimizer's state as flat names: ``optimizer.<parameter>.<entry>``."""
    state = optimizer.state_dict()["state"]
    return {
        f"optimizer.{index}.{name}": value
        for index, entries in state.items()
        for name, value in entries.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]
) -> None:
    """Put back what :func:`optimizer_tensors` took out."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, entry = name.split(".", 2)
            state.setdefault(int(index), {})[entry] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
