"""Files that a question brings along, as a model is given them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from copilot.attachments import attach
from core.services import Services
from core.store.files import File
from pipelines.passages import Passages
from tests.conftest import Owner

LETTER = "The roof is rotten. Repairs would cost 8,400 pounds.\n\nPlease agree by 15 April."


async def _file(services: Services, owner: Owner, text: str) -> str:
    async def parts() -> AsyncIterator[bytes]:
        yield text.encode()

    blob = await services.blobs.put(parts(), 1 << 20)
    file = File(
        id=f"file_{len(text)}", name="letter.txt", mime_type="text/plain", size=len(text),
        blob_key=blob.key, checksum=blob.key,
    )  # fmt: skip
    async with services.store.unit(owner.workspace_id) as unit:
        unit.files.add(file)
    return file.id


async def test_a_file_is_given_whole_whatever_is_asked_of_it(
    services: Services, owner: Owner
) -> None:
    file_id = await _file(services, owner, LETTER)
    passages = Passages()
    (found,) = await attach(services, owner.workspace_id, [file_id], "Sum it up.", passages)
    assert found.text == LETTER


async def test_of_a_long_file_there_are_as_many_pieces_as_there_is_room_for(
    services: Services, owner: Owner
) -> None:
    text = "\n\n".join(f"Shed {n} is painted. {'It stands. ' * 60}" for n in range(60))
    file_id = await _file(services, owner, text)
    found = await attach(
        services, owner.workspace_id, [file_id], "How is shed 41 painted?", Passages()
    )
    assert 3_000 < sum(len(each.text) for each in found) <= 8 * 1_200
    assert any("Shed 41" in each.text for each in found)
