"""A prompt ablation as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlmscope.analysis.prompts.result import PromptAblation

__all__ = ["BESIDE_COLUMNS", "DIFFERENCES_COLUMNS", "PROMPTS_COLUMNS", "prompts_table"]

BESIDE_COLUMNS = (
    "per token: change of the first answer's log-probability over its tokens, in nats, so that long "
    "answers and short ones can be compared; changed: how often the model answers otherwise; image: "
    "change of the last prompt token's attention on it; in brackets 95% intervals over questions."
)
"""What the columns of a table of prompts beside one another hold."""

DIFFERENCES_COLUMNS = (
    "on the image: attention there, mean over layers and heads; on the object: of it, what lies on the "
    "object that the question is about, beside another picture's object (the same place, another thing); "
    "log p: change of the clean answer's log-probability per token, in nats; questions less open: paired "
    "by picture; in brackets 95% intervals over pictures."
)
"""What the columns of :meth:`PromptsBeside.differences_table` hold."""

PROMPTS_COLUMNS = (
    "log p: how much likelier (+) or less likely (-) the first answer becomes; changed: how often the "
    "model answers otherwise; right: how often a reference agrees; image share: change of the last "
    "prompt token's attention on the image; in brackets 95% intervals."
)
"""What the columns of :func:`prompts_table` hold."""


def prompts_table(ablation: PromptAblation) -> tuple[list[str], list[list[object]]]:
    """Columns and rows, a kind of change each."""
    columns = [
        "prompt",
        "questions",
        "log p of the answer (nats)",
        "changed",
        "right",
        "image share",
    ]
    return columns, [
        [
            effect.name,
            effect.samples,
            _change(effect.log_prob),
            f"{effect.changed.value:.0%}",
            None if effect.accuracy is None else f"{effect.accuracy.value:.0%}",
            _change(effect.image_share),
        ]
        for effect in ablation.effects()
    ]


def _change(interval: tuple[float, float, float]) -> str:
    value, low, high = interval
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"
