"""Texts through an exported model without what sentence-transformers does around it.

For one short question that is a fifth of the time, and all of it holds the interpreter's lock,
which the event loop waits for meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from tokenizers import Encoding, Tokenizer

Vectors = NDArray[np.float32]


class Encode(Protocol):
    """From texts to their unit vectors, float32, shape ``(texts, dimensions)``."""

    def __call__(self, texts: Sequence[str], at_once: int | None = None) -> Vectors:
        """Run the model on so many texts ``at_once``, by default all; those of like length share a
        run, since the shorter are filled up to the longest."""
        ...


_TOKENS: Final = "last_hidden_state"
_PROBES: Final = (
    ["", " Who approves the BUDGET of März 2024? "],
    ["It says: yes.\n\nNo? " * 400],  # longer than most models read
)
_NEAR: Final = 1e-5


def short_way(model: SentenceTransformer) -> Encode | None:
    """Return the short way through a model, ``None`` for one whose vectors come about otherwise.

    It is for models that say a text by the mean of its tokens, unit length, as most of those
    trained for it do. Whether it gives the same as the long way is tried on a few texts.
    """
    try:
        encode = _mean_of_tokens(model)
        is_same = all(_agree(model, encode, texts) for texts in _PROBES)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None  # of another make
    return encode if is_same else None


def _agree(model: SentenceTransformer, encode: Encode, texts: list[str]) -> bool:
    known = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    found = encode(texts)
    return found.shape == np.shape(known) and bool(np.allclose(found, known, atol=_NEAR))


def _mean_of_tokens(model: SentenceTransformer) -> Encode:
    if any(model.prompts.values()) or model.default_prompt_name is not None:
        raise ValueError("what is put before a text is the long way's to know")
    session: Any = model[0].auto_model.session  # type: ignore[union-attr]
    names = [wanted.name for wanted in session.get_inputs()]
    tokenizer, longest = model.tokenizer, model.max_seq_length
    if tokenizer.padding_side != "right":
        raise ValueError("a text's place in a batch would matter")
    split: Tokenizer = tokenizer.backend_tokenizer

    def run(texts: Sequence[Encoding]) -> Vectors:
        features = _features(texts, tokenizer.pad_token_id)
        (tokens,) = session.run([_TOKENS], {name: features[name] for name in names})
        shares = features["attention_mask"].astype(np.float32)
        means = np.einsum("btd,bt->bd", tokens, shares)  # length says nothing: made 1 below
        lengths = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
        return np.asarray(means / lengths, np.float32)

    def encode(texts: Sequence[str], at_once: int | None = None) -> Vectors:
        # Nothing here lets go of the interpreter's lock before the model runs: to have it back
        # takes as long as the event loop works on without a pause. Counting tokens changes both.
        split.enable_truncation(longest)
        split.no_padding()
        told = [split.encode(text.strip()) for text in texts]
        if at_once is None:
            return run(told)
        order = sorted(range(len(told)), key=lambda at: len(told[at]))
        runs = [order[at : at + at_once] for at in range(0, len(order), at_once)]
        vectors = np.concatenate([run([told[at] for at in each]) for each in runs])
        return np.asarray(vectors[np.argsort(order)])

    return encode


def _features(split: Sequence[Encoding], padding: int) -> dict[str, NDArray[np.int64]]:
    """Return what models are given, each of shape ``(texts, tokens of the longest)``."""
    shape = len(split), max(map(len, split))
    ids, mask, kinds = np.full(shape, padding), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, text in enumerate(split):
        ids[row, : len(text)] = text.ids
        mask[row, : len(text)] = 1
        kinds[row, : len(text)] = text.type_ids
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": kinds}
