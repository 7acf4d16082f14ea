"""Tasks: one file each, registered here."""

from vlmscope.evaluation.tasks.base import Task
from vlmscope.evaluation.tasks.pointing import Pointing
from vlmscope.evaluation.tasks.presence import Presence
from vlmscope.evaluation.tasks.referring import Referring
from vlmscope.evaluation.tasks.segmentation import Segmentation
from vlmscope.registry import Registry

__all__ = ["TASKS", "Pointing", "Presence", "Referring", "Segmentation", "Task"]

TASKS: Registry[Task] = Registry("task", (Pointing(), Segmentation(), Presence(), Referring()))
