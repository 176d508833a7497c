"""Artifacts: content that is shown under a token of its own."""

from __future__ import annotations

from nuxa.models import Artifact
from nuxa.requests import Door, Json, Listing, Request, Resource, keyed, listing, method


class Artifacts(Resource[Door]):
    @listing
    def list(self, *, search: str | None = None) -> Listing[Artifact]:
        return Listing("/api/artifacts", Artifact, {"search": search})

    @method
    def create(self, artifact: Json, *, idempotency_key: str | None = None) -> Request[Artifact]:
        """Keep content: ``{"type": "markdown", "title": …, "content": …}``, or a ``fileId``.

        Only this answer has the ``token`` and the ``url`` that show it.
        """
        headers = keyed(idempotency_key)
        return Request("POST", "/api/artifacts", Artifact, json=artifact, headers=headers)

    @method
    def show(self, token: str) -> Request[bytes]:
        """Return what an artifact's token shows."""
        return Request("GET", f"/api/artifacts/{token}", bytes)

    @method
    def revoke(self, artifact_id: str) -> Request[None]:
        return Request("DELETE", f"/api/artifacts/{artifact_id}")
