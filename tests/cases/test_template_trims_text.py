"""A phrase with spaces or line ends around it gives the ids that the model's own processor gives."""

import numpy as np
import pytest
from PIL import Image

import lvlms
from vlmscope.errors import UnsupportedError
from vlmscope.models import Prompt
from vlmscope.models.prompts.prompt import write_chat
from vlmscope.types import Role

PIXELS = np.random.default_rng(0).integers(0, 255, (60, 80, 3), dtype=np.uint8)


@pytest.mark.parametrize("text", ["a dog\n", " \n a dog", "a dog"])
@pytest.mark.parametrize("name", ["gemma3", "llava-next", "internvl", "qwen2.5-vl"])
def test_ids_are_the_processors_own(name: str, text: str) -> None:
    model = lvlms.made(name)
    content = [{"type": "image"}, {"type": "text", "text": text}]
    written = model.processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    own = model.processor(images=[Image.fromarray(PIXELS)], text=[written], return_tensors="pt")
    encoded = model.encode([PIXELS], [text], preset="chat")
    assert encoded.inputs["input_ids"].tolist() == own["input_ids"].tolist()


class Templated:
    """A processor that writes a text by a function in place of a template."""

    chat_template = "yes"

    def __init__(self, rewrite) -> None:
        self.rewrite = rewrite

    def apply_chat_template(self, messages, **_: object) -> str:
        return f"<image>{self.rewrite(messages[0]['content'][-1]['text'])}!"


@pytest.mark.parametrize(
    ("rewrite", "plain"), [(str.rstrip, "<image>  a dog!"), (str.lstrip, "<image>a dog \n!")]
)
def test_templates_that_trim_one_side(rewrite, plain: str) -> None:
    written = write_chat(Prompt("  a dog \n"), Templated(rewrite), None)
    assert written.text == plain
    (phrase,) = [span for span in written.spans if span.role == Role.PHRASE]
    assert plain[phrase.start : phrase.end] == "a dog"


def test_template_that_rewrites_the_text_is_refused() -> None:
    processor = Templated(lambda text: text.replace("a dog", "the dog").capitalize())
    with pytest.raises(UnsupportedError, match="changes the user's text"):
        write_chat(Prompt("see: a dog"), processor, None)
