"""What the model says, word by word, with what each word looked at."""

from __future__ import annotations

from vlmscope.analysis.tokens import TokenOptions, token_grounding
from vlmscope.analysis.tokens.words_view import answer_scene, words_block
from vlmscope.app.answers.decoder import decoder_of
from vlmscope.app.engine.pictures import StoredPicture
from vlmscope.app.service import Service
from vlmscope.models import Prompt
from vlmscope.viewer import View

__all__ = ["answer_view"]


def answer_view(
    service: Service, picture: StoredPicture, question: Prompt, max_tokens: int
) -> View:
    """Ask, and look at the words of the answer.

    Args:
        service: the model.
        picture: what is asked about.
        question: what is asked.
        max_tokens: of the answer; the server's own limit holds, too.

    Raises:
        VlmscopeError: as :func:`vlmscope.token_grounding`.
    """
    most = min(max_tokens, service.settings.limits.tokens)
    answer = token_grounding(
        decoder_of(service.model),
        picture.opened,
        question,
        options=TokenOptions(max_new_tokens=most),
    )
    scene = answer_scene(answer, picture=picture.shown)
    return View(question.text, answer.text, [scene, words_block(answer)])
