"""Tasks: one file each, registered here."""

from vlmscope.evaluation.tasks.absent import AbsentTargets
from vlmscope.evaluation.tasks.base import ImageTask, SentenceTask, Task
from vlmscope.evaluation.tasks.chair import Descriptions
from vlmscope.evaluation.tasks.grec import GeneralisedBoxes
from vlmscope.evaluation.tasks.gres import GeneralisedMasks
from vlmscope.evaluation.tasks.labelled_points import PointLabels
from vlmscope.evaluation.tasks.mme import PairedQuestions
from vlmscope.evaluation.tasks.pointing import Pointing
from vlmscope.evaluation.tasks.pope import YesOrNoQuestions
from vlmscope.evaluation.tasks.presence import Presence
from vlmscope.evaluation.tasks.reasonseg import ReasonSegMasks
from vlmscope.evaluation.tasks.ref_l4 import RefL4Boxes
from vlmscope.evaluation.tasks.referring import Referring
from vlmscope.evaluation.tasks.segmentation import Segmentation
from vlmscope.registry import Registry

__all__ = [
    "TASKS",
    "AbsentTargets",
    "Descriptions",
    "GeneralisedBoxes",
    "GeneralisedMasks",
    "ImageTask",
    "PairedQuestions",
    "PointLabels",
    "Pointing",
    "Presence",
    "ReasonSegMasks",
    "RefL4Boxes",
    "Referring",
    "Segmentation",
    "SentenceTask",
    "Task",
    "YesOrNoQuestions",
]

TASKS: Registry[Task] = Registry(
    "task",
    (
        Pointing(),
        Segmentation(),
        Presence(),
        Referring(),
        RefL4Boxes(),
        ReasonSegMasks(),
        AbsentTargets(),
        GeneralisedMasks(),
        GeneralisedBoxes(),
        PointLabels(),
        YesOrNoQuestions(),
        Descriptions(),
        PairedQuestions(),
    ),
)
