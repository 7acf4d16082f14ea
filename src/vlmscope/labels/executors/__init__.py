"""Executors: one file each, behind one interface."""

from vlmscope.labels.executors.base import Chunk, Executor, Finished, SourceGoneError, Task
from vlmscope.labels.executors.cluster import ClusterExecutor
from vlmscope.labels.executors.inside import InsideExecutor
from vlmscope.labels.executors.processes import ProcessExecutor

__all__ = [
    "Chunk",
    "ClusterExecutor",
    "Executor",
    "Finished",
    "InsideExecutor",
    "ProcessExecutor",
    "SourceGoneError",
    "Task",
]
