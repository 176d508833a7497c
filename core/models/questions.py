"""The weights of 8 bits that questions are embedded with: made at export, tried at each start.

A processor without instructions for products of bytes rounds them otherwise, and models differ in
what they bear. So an export keeps what the whole model says of a few texts, and the small weights
serve where they say nearly the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import structlog

from core.models import loading
from core.models.loading import SMALL, WHOLE, LoadedModel, Vectors
from core.models.quantize import Feed, quantize

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

log = structlog.get_logger(__name__)

_KNOWN: Final = "questions.npy"
_NEAR: Final = 0.998  # the least cosine; the packaged model's are .999 and more
_SAMPLES: Final = (
    "What was the total revenue of the company in the third quarter of 2023?",
    "Who approves a budget of more than 10,000 euros, and by when?",
    "Zero-dimensional biomaterials lack inductive properties.",
    "Wie lange dauert die Gewährleistung, und wann beginnt sie?",
    "0.5 % of patients (n = 42) had elevated CRP/ESR; see Table 3.",
    "measurement of dielectric constant of liquids by the use of microwave techniques",
    "Where is the boatyard?",
    "How do I reset my password if I have lost my phone?",
    "warranty",
    "Кто отвечает за безопасность данных?",
    "متى ينتهي العقد؟",
    "合同什么时候到期？納期はいつですか。",
    "ค่าธรรมเนียมเท่าไร",
    "अनुबंध कब समाप्त होता है?",
)
_TRIED: Final = (
    "Which vendors were paid late in March?",
    "side effects of statins in older adults",
    "¿Qué dice el contrato sobre la rescisión anticipada?",
    "The committee met twice; no decision on the merger (see item 7) was taken before 1 June 2021.",
)


def add(directory: Path, model: SentenceTransformer) -> None:
    """Put small weights beside an export's whole ones, if they say the same as ``model``."""
    told = model.encode_query(list(_TRIED), normalize_embeddings=True, show_progress_bar=False)
    np.save(directory / _KNOWN, np.asarray(told, np.float32))
    try:
        (whole,) = directory.rglob(WHOLE)
        quantize(whole, whole.with_name(SMALL), _fed(model, _SAMPLES))
        serves = load(directory, threads=1) is not None
    except Exception as error:  # noqa: BLE001 - a model of whatever make is exported all the same
        log.warning("questions are embedded with the whole weights", reason=str(error))
        serves = False
    if not serves:
        for small in directory.rglob(SMALL):
            small.unlink()


def load(directory: Path, threads: int) -> LoadedModel | None:
    """Return the model of an export with its small weights; ``None`` where they do not serve."""
    if not any(directory.rglob(SMALL)):
        return None
    loaded = loading.load(directory, threads, SMALL)
    nearest = _least_cosine(loaded.questions, np.load(directory / _KNOWN))
    if nearest < _NEAR:
        log.info("questions are embedded with the whole weights", cosine=round(nearest, 4))
        return None
    return loaded


def _fed(model: SentenceTransformer, texts: Sequence[str]) -> list[Feed]:
    session: Any = model[0].auto_model.session  # type: ignore[union-attr]
    names = [wanted.name for wanted in session.get_inputs()]
    told = [model.tokenizer(text, truncation=True, return_tensors="np") for text in texts]
    return [{name: np.asarray(each[name], np.int64) for name in names} for each in told]


def _least_cosine(questions: Callable[[Sequence[str]], Vectors], known: Vectors) -> float:
    return float((questions(_TRIED) * known).sum(axis=1).min())
