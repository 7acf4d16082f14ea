"""Command lines: phrases of any text, and options with values that nobody meant."""

from __future__ import annotations

from hypothesis import strategies as st

from tools.fuzz.inputs import Input
from tools.fuzz.kinds.pictures import scene
from tools.fuzz.mutate import texts

__all__ = ["arguments"]

# "--" as an option's value swallows the end of options, which --json is looked for before;
# a name with one stroke is an id on the hub, and asking there is no fault; paths to write to are fixed
_VALUES = st.one_of(
    texts.map(lambda text: text.replace("/", "")).filter(lambda text: text != "--"),
    st.integers(-3, 300).map(str),
    st.sampled_from(
        ("1e999", "nan", "-inf", "0", "1" * 40, "0.5", "all", "paper", "gem", "\udcff")
    ),
)
_OPTIONS = {
    "ground": (
        "--method",
        "--model",
        "--heads",
        "--placement",
        "--prompt",
        "--rows",
        "--post",
        "--max-pixels",
        "--max-side",
        "--dtype",
        "--device",
        "--revision",
        "--refine",
        "--refine-prompt",
        "--shared-scale",
        "--say",
        "--arrays",
        "--threshold",
        "--sigma",
    ),
    "segment": (
        "--method",
        "--model",
        "--background",
        "--least-presence",
        "--logit-scale",
        "--side",
        "--depth",
        "--temperature",
        "--window",
        "--format",
        "--dtype",
        "--no-compete",
    ),
    "flow": ("--samples", "--max-side", "--rows", "--model", "--seed", "--heads"),
    "knockout": ("--windows", "--heads", "--edges", "--window", "--samples", "--objects"),
    "eval": (
        "--method",
        "--options",
        "--side",
        "--limit",
        "--seed",
        "--task",
        "--templates",
        "--refine",
        "--refine-prompt",
    ),
    "methods": (),
    "models": (),
    "doctor": (),
}
_BEGIN = {
    "ground": ("ground", "a.png", "red circle"),
    "segment": ("segment", "a.png", "-c", "red circle,star"),
    "flow": ("flow", "--samples", "tiny-scenes:1"),
    "knockout": ("knockout", "--samples", "tiny-scenes:1", "--windows", "0"),
    "eval": ("eval", "tiny-scenes", "--method", "clip", "--limit", "1"),
    "methods": ("methods",),
    "models": ("models",),
    "doctor": ("doctor",),
}
_FLAGS = ("--shared-scale", "--say", "--arrays", "--no-compete")


@st.composite
def _options(draw: st.DrawFn, command: str) -> tuple[str, ...]:
    words: list[str] = []
    known = _OPTIONS[command]
    for _ in range(draw(st.integers(1, 2)) if known else 0):
        name = draw(st.sampled_from(known))
        words.append(name)
        if name not in _FLAGS:
            words.append(draw(_VALUES))
    return tuple(words)


@st.composite
def arguments(draw: st.DrawFn) -> Input:
    """A command line on a sound picture."""
    files = {"a.png": scene()}
    last = draw(st.sampled_from(((), ("--json",), ("--json", "-q"))))
    way = draw(st.sampled_from(("phrase", "phrase", "options", "options", "options", "words")))
    if way == "phrase":
        phrases = draw(st.lists(_VALUES, min_size=1, max_size=2))
        model = draw(st.sampled_from(("tiny-llava", "tiny-llava", "tiny-clip")))
        return Input(("ground", "-m", model, *last[:1], "--", "a.png", *phrases), files)
    command = draw(st.sampled_from(sorted(_OPTIONS)))
    if way == "options":
        return Input((*_BEGIN[command], *draw(_options(command)), *last), files)
    words = draw(st.lists(_VALUES, max_size=2))
    return Input(
        (*draw(st.sampled_from(((command,), ("heads", "show"), ()))), *words, *last), files
    )
