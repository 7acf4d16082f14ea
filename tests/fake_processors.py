"""Stand-ins for the parts of a processor that a family checks, without a model."""

from __future__ import annotations

from typing import Any

__all__ = ["TOKEN", "FakeProcessor", "FiveWords"]

TOKEN = "<image>"


class FiveWords:
    """A tokenizer of five words; the image token is one of them."""

    def __init__(self, image_token_id: int = 4) -> None:
        self.image_token_id = image_token_id

    def __len__(self) -> int:
        return 5

    def convert_tokens_to_ids(self, token: str) -> int:
        return {TOKEN: self.image_token_id}[token]

    def convert_ids_to_tokens(self, token_id: int) -> str:
        return {4: TOKEN}[token_id]


class FakeProcessor:
    """Writes so many image tokens for the first image."""

    image_token = TOKEN

    def __init__(self, images: Any, tokens: int, tokenizer: Any = None) -> None:
        self.image_processor = images
        self.tokenizer = tokenizer or FiveWords()
        self.tokens = tokens

    def replace_image_token(self, values: Any, image: int) -> str:
        assert image == 0
        return TOKEN * self.tokens
