"""A prompt ablation as a table and as a page."""

from __future__ import annotations

import json

from vlmscope.analysis.prompts.result import PromptAblation
from vlmscope.report import Page

__all__ = ["prompts_page", "prompts_table"]


def prompts_table(found: PromptAblation) -> tuple[list[str], list[list[object]]]:
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
        for effect in found.effects()
    ]


def _change(interval: tuple[float, float, float]) -> str:
    value, low, high = interval
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]"


def prompts_page(found: PromptAblation, command: str = "") -> Page:
    """The page."""
    worst = min(found.effects(), key=lambda effect: effect.log_prob.value)
    page = Page(
        f"Which parts of the prompt {found.run['model']} needs",
        f"{len(found.questions)} questions. The answer suffers most from: {worst.name} "
        f"({worst.log_prob.value:+.2f} nats).",
    )
    page.text(
        "Each row changes the prompt and feeds in the answer to the unchanged one: how much less likely "
        "it becomes (nats, with 95% intervals over questions), how often the greedy answer changes and "
        "how often it is right, and how much more or less the last prompt token reads of the image. "
        '"Query tokens alone" leaves the prompt as it is and blocks the image for the last prompt token '
        "and for the answer."
    )
    page.table(*prompts_table(found))
    words = found.word_effects()
    if words:
        page.heading("Word by word")
        page.text("Mean change of the answer's log-probability when the word is removed.")
        strongest = list(words.items())[:24]
        page.table(["word", "log p (nats)"], [[word, value] for word, value in strongest])
    page.heading("Examples")
    for question in found.questions[:5]:
        clean = question["variants"][0]
        rows = [
            [
                variant["name"] + (f": {variant['word']}" if variant["word"] else ""),
                variant["text"],
                variant["answer"],
                variant["log_prob"] - clean["log_prob"],
            ]
            for variant in question["variants"]
        ]
        page.table(["change", "asked", "answered", "log p (nats)"], rows)
    page.heading("The run")
    if command:
        page.code(command)
    page.code(json.dumps(found.run, indent=2))
    return page
