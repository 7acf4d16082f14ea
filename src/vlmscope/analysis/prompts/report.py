"""A prompt ablation as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vlmscope.analysis.prompts.table import (
    BESIDE_COLUMNS,
    DIFFERENCES_COLUMNS,
    PROMPTS_COLUMNS,
    prompts_table,
)
from vlmscope.analysis.record import run_section
from vlmscope.report import Page

if TYPE_CHECKING:
    from vlmscope.analysis.prompts.beside import PromptsBeside
    from vlmscope.analysis.prompts.result import PromptAblation

__all__ = ["prompts_page"]

_WORDS, _EXAMPLES = 24, 5  # shown on the page


def prompts_page(
    ablation: PromptAblation, command: str = "", beside: PromptsBeside | None = None
) -> Page:
    """The page.

    Args:
        ablation: of the questions.
        command: how it was made, for the reader who wants to repeat it.
        beside: the same questions beside one open-ended prompt.
    """
    worst = min(ablation.effects(), key=lambda effect: effect.log_prob.value)
    page = Page(
        f"Which parts of the prompt {ablation.run['model']} needs",
        f"{len(ablation.questions)} questions. The answer suffers most from: {worst.name} "
        f"({worst.log_prob.value:+.2f} nats).",
    )
    page.text(
        "Each row changes the prompt and feeds in the answer to the unchanged one: how much less likely "
        "it becomes (nats, with 95% intervals over questions), how often the greedy answer changes and "
        "how often it is right, and how much more or less the last prompt token reads of the image. "
        '"Query tokens alone" leaves the prompt as it is and blocks the image for the last prompt token '
        "and for the answer."
    )
    page.table(*prompts_table(ablation), note=PROMPTS_COLUMNS)
    words = ablation.word_effects()
    if words:
        page.heading("Word by word")
        page.text("Mean change of the answer's log-probability when the word is removed.")
        strongest = list(words.items())[:_WORDS]
        page.table(["word", "log p (nats)"], [[word, value] for word, value in strongest])
    questions = list(ablation.questions[:_EXAMPLES])
    if beside is not None:
        page.heading(f"Beside “{beside.text}”")
        page.text(
            "The same pictures under one open-ended prompt. What its answer needs, and what the answers "
            "to the questions need, in each row under the same change."
        )
        page.table(*beside.table(), note=BESIDE_COLUMNS)
        page.subheading("What differs")
        page.table(*beside.differences_table(), note=DIFFERENCES_COLUMNS)
        questions += beside.other.questions[:_EXAMPLES]
    page.heading("Examples")
    for question in questions:
        page.table(["change", "asked", "answered", "log p (nats)"], _example(question))
    run_section(page, ablation.run, command)
    return page


def _example(question: Mapping[str, Any]) -> list[list[object]]:
    """Rows of one question: each variant, its text and answer, and what the clean answer lost."""
    clean = question["variants"][0]
    return [
        [
            variant["name"] + (f": {variant['word']}" if variant["word"] else ""),
            variant["text"],
            variant["answer"],
            variant["log_prob"] - clean["log_prob"],
        ]
        for variant in question["variants"]
    ]
