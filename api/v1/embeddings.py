"""``/api/v1/embeddings`` in OpenAI's format, by the model that documents are embedded with."""

from __future__ import annotations

import asyncio
import base64

import numpy as np

from api.access import READ
from api.call import Call
from api.endpoint import endpoint
from api.v1.schemas import Embedding, EmbeddingRequest, Embeddings, EmbeddingUsage
from core.config import PACKAGED_EMBEDDING_MODEL
from core.errors import ValidationFailed
from core.models.embed import get_embedder
from core.models.loading import Vectors


@endpoint("POST", "/api/v1/embeddings", access=READ.key_only())
async def create_embeddings(call: Call, body: EmbeddingRequest) -> Embeddings:
    """Embed texts as documents are; what a model does not read of a long text is left out."""
    known = dict.fromkeys((call.services.settings.embedding_model, PACKAGED_EMBEDDING_MODEL))
    if body.model not in known:
        said = f"This server embeds with {' or '.join(known)}."
        raise ValidationFailed.at("model", "unknown model", "unknown_model", sentence=said)
    texts = [body.input] if isinstance(body.input, str) else body.input
    embedder = await asyncio.to_thread(get_embedder, body.model)
    vectors = await embedder.embed_documents(texts, call.workspace_id)
    tokens = sum(await embedder.count_tokens(texts, call.workspace_id))
    is_packed = body.encoding_format == "base64"
    data = [
        Embedding(index=index, embedding=_packed(vector) if is_packed else vector.tolist())
        for index, vector in enumerate(vectors)
    ]
    usage = EmbeddingUsage(prompt_tokens=tokens, total_tokens=tokens)
    return Embeddings(data=data, model=body.model, usage=usage)


def _packed(vector: Vectors) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode()
