"""A document that is a URL: fetched by the worker, guarded, measured, sniffed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from core.http.address import Allowed
from core.services import Services
from tests.api.conftest import Member
from tests.ingest import making
from tests.stand_in import Asked, Says, StandIn, standing_in

Work = Callable[[], Awaitable[int]]
TEXT = b"The slipway is closed on Mondays."


@pytest.fixture
async def site(services: Services) -> AsyncIterator[StandIn]:
    """A web server that the worker, but no URL's literal address, may call."""
    answers = {
        "/notes.txt": Says(200, {"Content-Type": "application/pdf"}, TEXT),
        "/copy.txt": Says(200, {}, TEXT),
        "/letter": Says(200, {}, making.pdf([[(72, 80, 12, "F1", "A letter of one page.")]])),
        "/program": Says(200, {}, b"\x7fELF\x02\x01\x01" + bytes(200)),
        "/long": Says(200, {}, b"x" * 9000),
        "/inward": Says.moved("http://127.0.0.1:1/latest/meta-data"),
    }

    def answer(asked: Asked) -> Says:
        return answers.get(asked.path, Says(404))

    async with standing_in() as server:
        server.answer = answer
        services.http._allowed = Allowed.parse(f"localhost:{server.port}")
        yield server


def _url(site: StandIn, path: str) -> str:
    return f"http://localhost:{site.port}{path}"


async def _fetched(member: Member, base_path: str, work: Work, url: str) -> dict[str, Any]:
    """Add a URL, have the worker fetch it, and return the document."""
    made = await member.program.post(f"{base_path}/documents", json={"url": url})
    assert made.status_code == 202, made.text
    assert (made.json()["status"], made.json()["sourceUrl"]) == ("pending", url)
    await work()
    path = f"{base_path}/documents/{made.json()['id']}"
    return dict((await member.program.get(path)).json())


async def test_what_the_url_answers_becomes_the_document(
    member: Member, base_path: str, work: Work, site: StandIn
) -> None:
    document = await _fetched(member, base_path, work, _url(site, "/notes.txt?v=1"))
    assert (document["status"], document["name"]) == ("completed", "notes.txt")
    assert (document["mimeType"], document["size"]) == ("text/plain", len(TEXT))  # by content
    chunks = await member.program.get(f"{base_path}/documents/{document['id']}/chunks")
    assert "slipway is closed" in chunks.text
    assert len(site.asked) == 1
    letter = await _fetched(member, base_path, work, _url(site, "/letter"))
    assert (letter["mimeType"], letter["pagesTotal"]) == ("application/pdf", 1)


async def test_the_same_url_or_content_again_is_the_same_document(
    member: Member, base_path: str, work: Work, site: StandIn
) -> None:
    body = {"url": _url(site, "/notes.txt")}
    first = (await member.program.post(f"{base_path}/documents", json=body)).json()
    waiting = await member.program.post(f"{base_path}/documents", json=body)
    assert (waiting.status_code, waiting.json()["duplicateOf"]) == (200, first["id"])
    await work()
    copy = await _fetched(member, base_path, work, _url(site, "/copy.txt"))
    assert (copy["status"], copy["error"]["code"]) == ("failed", "DUPLICATE")
    assert first["id"] in copy["error"]["message"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/gone", "UPSTREAM_ERROR"),
        ("/program", "UNSUPPORTED_TYPE"),
        ("/long", "UPSTREAM_ERROR"),
        ("/inward", "VALIDATION_ERROR"),
    ],
)
async def test_what_cannot_be_fetched_fails_with_its_reason_and_leaves_no_bytes(
    member: Member,
    base_path: str,
    work: Work,
    site: StandIn,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    code: str,
) -> None:
    monkeypatch.setattr(services.settings, "max_upload_bytes", 5000)
    document = await _fetched(member, base_path, work, _url(site, path))
    assert (document["status"], document["error"]["code"]) == ("failed", code)
    blobs = (services.settings.data_dir / "blobs").rglob("*")
    assert not [blob for blob in blobs if blob.is_file()]
    gone = await member.program.delete(f"{base_path}/documents/{document['id']}")
    assert gone.status_code == 204


async def test_a_name_that_leads_inward_is_refused_by_the_worker(
    member: Member, base_path: str, work: Work
) -> None:
    document = await _fetched(member, base_path, work, "http://localhost:1/")
    assert (document["status"], document["error"]["code"]) == ("failed", "VALIDATION_ERROR")
    assert "not a public address" in document["error"]["message"]


async def test_another_version_of_a_url_is_what_it_answers_now(
    member: Member, base_path: str, work: Work, site: StandIn
) -> None:
    url = _url(site, "/notes.txt")
    document = await _fetched(member, base_path, work, url)
    path = f"{base_path}/documents/{document['id']}"
    site.answer = lambda _asked: Says(200, {}, b"The slipway is open every day.")
    assert (await member.program.put(path, json={"url": url})).status_code == 202
    await work()
    after = (await member.program.get(path)).json()
    assert (after["status"], after["name"]) == ("completed", "notes.txt")
    assert after["checksum"] != document["checksum"]
    chunks = (await member.program.get(f"{path}/chunks")).json()["data"]
    assert chunks[0]["content"] == "The slipway is open every day."
