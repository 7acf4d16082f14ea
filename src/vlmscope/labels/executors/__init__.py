"""Executors: one file each, behind one interface."""

from vlmscope.labels.executors.base import Chunk, Executor, Finished, SourceGoneError, Task
from vlmscope.labels.executors.inside import InsideExecutor

__all__ = ["Chunk", "Executor", "Finished", "InsideExecutor", "SourceGoneError", "Task"]
