"""The sample workspace of a first start: documents, a workflow, and a key to try them with."""

from __future__ import annotations

import asyncio
import json
import mimetypes
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

from api.sample.workflow import sample_workflow
from core import intake
from core.config import Settings
from core.errors import NotFound
from core.ids import new_id
from core.intake import Content
from core.models.embed import get_embedder
from core.security import hash_password, hash_token, new_token
from core.services import Services, open_services
from core.store.api_keys import ApiKey
from core.store.jobs import TERMINAL
from core.store.knowledge_bases import KnowledgeBase
from core.store.unit import SystemUnit, Unit
from core.store.users import User
from core.store.workflows import Workflow, WorkflowVersion
from core.store.workspaces import Member, Workspace

DOCUMENTS = Path(__file__).parent / "sample" / "documents"
_EMAIL = "demo@example.com"


@dataclass(frozen=True)
class Sample:
    """What ``make run`` prints of the sample; kept in the data directory, for its owner only."""

    workspace_id: str
    email: str
    password: str
    key: str
    base_id: str
    workflow_id: str
    document_ids: list[str]


async def seed_sample(settings: Settings) -> Sample | None:
    """Return the sample, made now in a database without users; None in one of somebody else's."""
    async with open_services(settings) as services:
        async with services.store.system() as unit:
            known = _remembered(settings)
            if known and await unit.workspaces.get(known.workspace_id):
                return known
            if await unit.users.any():
                return None
        sample = Sample(
            workspace_id=new_id("ws"),
            email=_EMAIL,
            password=new_token(),
            key=new_token("nuxa_"),
            base_id=new_id("kb"),
            workflow_id=new_id("wf"),
            document_ids=[],
        )
        embedder = get_embedder(settings.embedding_model)
        dimensions = await asyncio.to_thread(lambda: embedder.dimensions)
        await _make_owner(services, sample)
        async with services.store.unit(sample.workspace_id) as tenant:
            _add_knowledge(tenant, sample, settings.embedding_model, dimensions)
            await tenant.flush()
            _add_workflow(tenant, sample)
        for path in sorted(DOCUMENTS.iterdir()):
            sample.document_ids.append(await _add_document(services, sample, path))
    _remember(settings, sample)
    return sample


def _add_knowledge(unit: Unit, sample: Sample, model: str, dimensions: int) -> None:
    unit.bases.add(
        KnowledgeBase(
            id=sample.base_id,
            name="Lindholm Boatyard",
            description="Handbook, prices and records of a small boatyard.",
            embedding_model=model,
            embedding_dimensions=dimensions,
        )
    )


def _add_workflow(unit: Unit, sample: Sample) -> None:
    definition = sample_workflow(sample.base_id)
    unit.workflows.add(
        Workflow(
            id=sample.workflow_id,
            name="Answer a question",
            description="Looks a question up in the sample knowledge base and answers it.",
            definition=definition,
            is_deployed=True,
            deployed_version=1,
        )
    )
    unit.workflows.add_version(
        WorkflowVersion(
            workflow_id=sample.workflow_id, number=1, definition=definition, reason="deploy"
        )
    )


async def _add_document(services: Services, sample: Sample, path: Path) -> str:
    stored = await services.blobs.put(_bytes_of(path), services.settings.max_upload_bytes)
    mime_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    content = Content(path.name, mime_type, stored.size, stored.checksum, stored.key)
    async with services.store.unit(sample.workspace_id) as unit:
        base = await unit.bases.get(sample.base_id)
        if base is None:
            raise NotFound("The sample knowledge base was deleted meanwhile; start again.")
        added = await intake.add(unit, base.id, content, services.queue, services.blobs)
    return added.document.id


async def _bytes_of(path: Path) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(path.read_bytes)


async def unread_documents(settings: Settings, sample: Sample) -> int:
    """Return how many documents of the sample are not read yet."""
    async with (
        open_services(settings) as services,
        services.store.unit(sample.workspace_id) as unit,
    ):
        documents = [await unit.documents.get(document_id) for document_id in sample.document_ids]
    return sum(1 for document in documents if document and document.status not in TERMINAL)


async def _make_owner(services: Services, sample: Sample) -> None:
    user_id = new_id("usr")
    password_hash = await hash_password(sample.password)
    async with services.store.system() as unit:
        await _add_owner(unit, sample, user_id, password_hash)
    async with services.store.unit(sample.workspace_id) as tenant:
        tenant.api_keys.add(
            ApiKey(
                id=new_id("key"),
                user_id=user_id,
                name="Sample key",
                key_hash=hash_token(sample.key),
                preview=sample.key[:10],
                scopes=["admin"],
            )
        )


async def _add_owner(unit: SystemUnit, sample: Sample, user_id: str, password_hash: str) -> None:
    unit.users.add(
        User(
            id=user_id,
            email=sample.email,
            name="Sample owner",
            password_hash=password_hash,
            email_verified=True,
            default_workspace_id=sample.workspace_id,
        )
    )
    await unit.flush()
    unit.workspaces.add(
        Workspace(id=sample.workspace_id, name="Sample", plan="enterprise", owner_id=user_id)
    )
    await unit.flush()
    unit.workspaces.add_member(
        Member(workspace_id=sample.workspace_id, user_id=user_id, role="owner")
    )


def _remembered(settings: Settings) -> Sample | None:
    try:
        return Sample(**json.loads(_file(settings).read_text()))
    except FileNotFoundError:
        return None


def _remember(settings: Settings, sample: Sample) -> None:
    file = _file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_text(json.dumps(asdict(sample), indent=2))


def _file(settings: Settings) -> Path:
    return settings.data_dir / "sample.json"
