"""Token grounding: what each word of an answer looked at ("vision-query token dependency")."""

from vlmscope.analysis.tokens.localisation import Localisation, localisation
from vlmscope.analysis.tokens.looks import word_looks
from vlmscope.analysis.tokens.looks_result import WordLooks
from vlmscope.analysis.tokens.measure import TokenOptions, token_grounding
from vlmscope.analysis.tokens.objects import word_objects
from vlmscope.analysis.tokens.objects_result import WordObjects
from vlmscope.analysis.tokens.result import GroundedAnswer, GroundedWord

__all__ = [
    "GroundedAnswer",
    "GroundedWord",
    "Localisation",
    "TokenOptions",
    "WordLooks",
    "WordObjects",
    "localisation",
    "token_grounding",
    "word_looks",
    "word_objects",
]
