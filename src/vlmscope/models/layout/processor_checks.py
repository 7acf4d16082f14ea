"""What every family checks before a processor is trusted to belong to a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vlmscope.errors import ModelMismatchError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

__all__ = ["check_counts", "check_fills", "check_image_class", "check_parts", "check_tokens"]


def check_parts(processor: Any, expected: str) -> None:
    """Raise ModelMismatchError unless the processor reads images and text.

    Args:
        processor: what the user gave.
        expected: the class of transformers that belongs to the model.
    """
    for part in ("image_processor", "tokenizer"):
        if getattr(processor, part, None) is None:
            raise ModelMismatchError(
                f"{type(processor).__name__} has no {part}; this model needs a {expected}."
            )


def check_image_class(processor: Any, known: tuple[str, ...]) -> None:
    """Raise ModelMismatchError unless the geometry of the image processor is known.

    Args:
        processor: what the user gave.
        known: classes of transformers, by the start of their name (the backend follows it).
    """
    images = type(processor.image_processor)
    if not any(base.__name__.startswith(known) for base in images.__mro__):
        raise ModelMismatchError(
            f"The image processor {images.__name__} does not belong to this model, which takes a "
            f"{known[0]}. How it fits images is not known, so nothing is guessed: load the processor "
            "that belongs to the model."
        )


def check_tokens(
    hf: PreTrainedModel, processor: Any, image_token_id: int, token: str | None = None
) -> None:
    """Raise ModelMismatchError unless tokenizer and model mean the same by the image token.

    Args:
        hf, processor: the model.
        image_token_id: what the model takes for an image token.
        token: what the processor writes for one; None: its own ``image_token``.
    """
    token = getattr(processor, "image_token", None) if token is None else token
    tokenizer = processor.tokenizer
    if token is not None:
        name = str(getattr(token, "content", token))
        token_id = tokenizer.convert_tokens_to_ids(name)
        if token_id != image_token_id:
            raise ModelMismatchError(
                f"The processor writes the image token {name!r} as id {token_id}, the model expects id "
                f"{image_token_id}. Load the processor that belongs to the model."
            )
    rows = hf.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise ModelMismatchError(
            f"The tokenizer has {len(tokenizer)} tokens, the model embeds {rows}. "
            "Load the processor that belongs to the model."
        )


def check_counts(written: int, computed: int) -> None:
    """Raise ModelMismatchError unless processor and model make the same number of image tokens."""
    if written != computed:
        raise ModelMismatchError(
            f"The processor writes {written} image tokens for this image, the model makes {computed} "
            "of it. Load the processor that belongs to the model."
        )


def check_fills(processor: Any) -> None:
    """Raise ModelMismatchError unless the image processor fills images up to whole tokens."""
    if not getattr(processor.image_processor, "do_resize", True):
        raise ModelMismatchError(
            "The image processor has do_resize=False, so it does not fill images up to whole "
            "tokens. Set it to True."
        )
