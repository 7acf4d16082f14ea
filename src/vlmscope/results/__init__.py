"""What methods find; every result draws itself and goes out as JSON."""

from vlmscope.results.answer_comparison import AnswerComparison, overlay_answer
from vlmscope.results.clip_grounding import ClipGrounding
from vlmscope.results.deviations import deviations
from vlmscope.results.drawing import SHOWN, overlay, side_by_side
from vlmscope.results.fiftyone_labels import to_fiftyone
from vlmscope.results.grounding import Grounding
from vlmscope.results.label_studio import to_label_studio
from vlmscope.results.method_comparison import MethodComparison, overlay_methods
from vlmscope.results.pictures_grounding import PicturesGrounding
from vlmscope.results.segmentation import Segmentation, overlay_labels

__all__ = [
    "SHOWN",
    "AnswerComparison",
    "ClipGrounding",
    "Grounding",
    "MethodComparison",
    "PicturesGrounding",
    "Segmentation",
    "deviations",
    "overlay",
    "overlay_answer",
    "overlay_labels",
    "overlay_methods",
    "side_by_side",
    "to_fiftyone",
    "to_label_studio",
]
