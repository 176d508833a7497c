"""The model that unstructured parts sentences with."""

from __future__ import annotations

import re
import tempfile
from contextlib import chdir
from functools import lru_cache
from typing import Final

_NAME: Final = "en_core_web_sm"


@lru_cache(maxsize=1)
def load_sentence_model() -> None:
    """Load a model that parts words at blanks and sentences at their signs, once for all.

    unstructured loads spaCy's English model by its name, and would download that. It needs it only
    to tell prose from short lines, which decides nothing here: headings have levels of their own.
    spaCy takes a folder of that name, too. Its usual tokenizer takes time quadratic in a run of
    punctuation.
    """
    import spacy
    from spacy.tokenizer import Tokenizer
    from unstructured.nlp.tokenize import sent_tokenize

    never = re.compile(r"(?!)")
    model = spacy.blank("en")
    model.tokenizer = Tokenizer(
        model.vocab,
        prefix_search=never.search,
        suffix_search=never.search,
        infix_finditer=never.finditer,
        token_match=never.match,
        url_match=never.match,
    )
    model.add_pipe("sentencizer")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        model.to_disk(_NAME)
        sent_tokenize("One. Two.")
