"""The processor that checkpoints of the original LLaVA code leave to that code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from vlmscope.errors import ModelLoadError
from vlmscope.io import is_file
from vlmscope.models.loading.original_llava.settings import OriginalSettings
from vlmscope.models.loading.refusals import explained

__all__ = ["IMAGE_TOKEN", "load_tokenizer", "make_processor"]

IMAGE_TOKEN = "<image>"

_TURN = (
    "{% for m in messages %}{{ ROLE }}{% if m['content'] is string %}{{ m['content'] | trim }}{% else %}"
    "{% for c in m['content'] %}{% if c['type'] == 'image' %}<image>\n"
    "{% else %}{{ c['text'] | trim }}{% endif %}{% endfor %}{% endif %}{{ END }}{% endfor %}"
    "{% if add_generation_prompt %}ANSWER{% endif %}"
)

# the sentence with which LLaVA-1.5 and ShareGPT4V were tuned, and what stands for the two speakers
_SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions. "
)
_LLAVA = _SYSTEM + _TURN.replace(
    "{{ ROLE }}", "{{ 'USER: ' if m['role'] == 'user' else 'ASSISTANT: ' }}"
).replace("{{ END }}", "{{ ' ' if m['role'] == 'user' else '</s>' }}").replace(
    "ANSWER", "ASSISTANT:"
)

# Yi-VL's, in both of its languages
_YI_SYSTEM = (
    "This is a chat between an inquisitive human and an AI assistant. Assume the role of the AI "
    "assistant. Read all the images carefully, and respond to the human's questions with informative, "
    "helpful, detailed and polite answers. "
    "这是一个好奇的人类和一个人工智能助手之间的对话。假设你扮演这个AI助手的角色。"
    "仔细阅读所有的图像，并对人类的问题做出信息丰富、有帮助、详细的和礼貌的回答。\n\n"
)
_YI = _YI_SYSTEM + _TURN.replace(
    "{{ ROLE }}", "### {{ 'Human' if m['role'] == 'user' else 'Assistant' }}: "
).replace("{{ END }}", "{{ '\\n' }}").replace("ANSWER", "### Assistant:")


def load_tokenizer(folder: Path, name: str, text_config: Any) -> Any:
    """The checkpoint's tokenizer, with an image token behind its last one.

    Args:
        folder: of the checkpoint.
        name: of the model, for messages.
        text_config: the decoder's, which tells a tokenizer that does not name its class.

    Raises:
        ModelLoadError: no tokenizer, or one that needs sentencepiece where that is not installed.
    """
    from transformers import AddedToken, AutoTokenizer

    _check_sentencepiece(folder, name)
    with explained(name):
        tokenizer = AutoTokenizer.from_pretrained(
            str(folder), config=text_config, trust_remote_code=False
        )
        tokenizer.add_tokens([AddedToken(IMAGE_TOKEN, special=True, normalized=False)])
    return tokenizer


def _check_sentencepiece(folder: Path, name: str) -> None:
    """transformers goes on to another kind of file without it, and fails there with other words."""
    if is_file(folder / "tokenizer.json") or not is_file(folder / "tokenizer.model"):
        return
    lacking = [each for each in ("sentencepiece", "google.protobuf") if not _installed(each)]
    if lacking:
        raise ModelLoadError(
            f"The tokenizer of {name} is a tokenizer.model, which cannot be read without "
            f"{' and '.join(lacking)}: pip install sentencepiece protobuf. Or put the same tokenizer's "
            "tokenizer.json beside it."
        )


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it would be in
        return False


def make_processor(
    settings: OriginalSettings, tokenizer: Any, images: Any, vision_config: Any
) -> Any:
    """transformers' ``LlavaProcessor`` of the parts.

    Args:
        settings: of the checkpoint.
        tokenizer: from :func:`load_tokenizer`; its own chat template counts where it writes images.
        images: the image processor.
        vision_config: the tower's.
    """
    from transformers import LlavaProcessor

    own = tokenizer.chat_template
    template = own if isinstance(own, str) and "image" in own else _template(settings)
    return LlavaProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=int(vision_config.patch_size),
        vision_feature_select_strategy="full" if settings.keeps_class else "default",
        num_additional_image_tokens=1,  # CLIP's class token
        image_token=IMAGE_TOKEN,
        chat_template=template,
    )


def _template(settings: OriginalSettings) -> str:
    return _YI if settings.norms else _LLAVA
