"""Tasks: one file each, registered here."""

from vlmscope.evaluation.tasks.base import Task, TaskRegistry
from vlmscope.evaluation.tasks.pointing import Pointing
from vlmscope.evaluation.tasks.presence import Presence
from vlmscope.evaluation.tasks.referring import Referring
from vlmscope.evaluation.tasks.segmentation import Segmentation

__all__ = ["TASKS", "Pointing", "Presence", "Referring", "Segmentation", "Task", "TaskRegistry"]

TASKS = TaskRegistry()
for _task in (Pointing(), Segmentation(), Presence(), Referring()):
    TASKS.register(_task)
