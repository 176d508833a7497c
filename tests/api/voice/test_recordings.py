"""What was said can be heard again, where the workspace has it recorded."""

from __future__ import annotations

import asyncio
import io
import wave
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text

from copilot.voice import recording
from copilot.voice.settings import settings_of
from core.blobs import Blobs
from core.removal import remove_workspace
from core.services import Services
from tests.api.conftest import Member
from tests.api.memberships import join_workspace
from tests.api.voice.conftest import Connect
from tests.api.voice.sessions import piece_of, recorded, voice_session
from tests.api.voice.test_audio import PATH, UTTERANCE, Talk
from tests.api.voice.test_stream import calling
from tests.voices import FakeVoice, silence, tone
from workers import upkeep

ON: dict[str, Any] = {"recording": {"enabled": True}}


async def _begin(member: Member, connect: Connect, **config: Any) -> Talk:
    saved = await member.browser.post("/api/voice/config", json={**ON, **config})
    assert saved.status_code == 200, saved.text
    made = (await member.program.post(PATH, json={"channel": "web"})).json()
    assert made["recorded"]
    talk = Talk(await connect(made["token"]), made["id"])
    assert (await talk.ask("start"))["ok"]
    return talk


async def _ready(member: Member, session_id: str) -> dict[str, Any]:
    """Return what is told of a recording once it can be had."""
    async with asyncio.timeout(60):
        while True:
            shown = (await member.program.get(f"{PATH}/{session_id}")).json()["recording"]
            if shown["status"] == "ready":
                return dict(shown)
            await asyncio.sleep(0.05)


async def _sides(member: Member, session_id: str) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    answer = await member.program.get(f"{PATH}/{session_id}/recording")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "audio/wav"
    with wave.open(io.BytesIO(answer.content)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, 16_000)
        frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2").reshape(-1, 2)
        assert len(frames) == file.getnframes()
    return frames[:, 0], frames[:, 1]


def _loud(samples: NDArray[np.int16]) -> float:
    """Return how many seconds of a side are sound."""
    return float((np.abs(samples.astype(int)) > 500).sum() / 16_000)


async def test_both_sides_are_kept_in_pieces_and_given_in_one(
    member: Member, connect: Connect, with_voice: FakeVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PIECE_SECONDS", 0.05)
    monkeypatch.setattr(recording, "_LATE", 0)
    with_voice.seconds = 1.0
    talk = await _begin(member, connect, greeting="Hello.")
    await talk.until("response", final=True)
    await asyncio.sleep(1.1)  # the greeting is played in the time that it takes
    await talk.say(UTTERANCE)
    running = await member.program.get(f"{PATH}/{talk.session_id}/recording")
    assert running.status_code == 409
    await talk.client.disconnect()
    told = await _ready(member, talk.session_id)
    assert told["complete"] is True
    assert told["expiresAt"] is None
    heard, said = await _sides(member, talk.session_id)
    assert len(heard) * 4 + 44 == told["size"]
    assert abs(len(heard) / 16 - told["durationMs"]) <= 1
    assert 0.7 <= _loud(heard) <= 0.85  # a tone of 0.8 s
    assert 0.9 <= _loud(said) <= 1.05
    began = int(np.argmax(np.abs(said.astype(int)) > 500))
    assert int(np.argmax(np.abs(heard.astype(int)) > 500)) > began


async def test_what_was_interrupted_is_not_heard(
    member: Member, connect: Connect, with_voice: FakeVoice
) -> None:
    with_voice.seconds = 60.0
    talk = await _begin(member, connect, greeting="Hello.")
    await talk.until("response", 8)  # as far ahead as it goes
    await talk.say(tone(0.3))
    await talk.until("interrupted")
    await talk.client.disconnect()
    told = await _ready(member, talk.session_id)
    _, said = await _sides(member, talk.session_id)
    sent = sum(len(part["audio"]) for part in talk.of("response")) / 48_000
    assert 0 < _loud(said) <= sent
    assert told["complete"] is True


async def test_any_range_of_it_is_given(
    member: Member, connect: Connect, with_voice: FakeVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PIECE_SECONDS", 0.05)
    monkeypatch.setattr(recording, "_LATE", 0)
    talk = await _begin(member, connect)
    for _ in range(3):
        await talk.say(tone(0.3))
        await asyncio.sleep(0.2)
    await member.program.delete(f"{PATH}/{talk.session_id}")
    await talk.until("error", code="SESSION_ENDED")
    size = (await _ready(member, talk.session_id))["size"]
    path = f"{PATH}/{talk.session_id}/recording"
    whole = await member.program.get(path)
    assert len(whole.content) == size
    for start, end in ((0, 10), (40, 50), (44, size - 1), (size // 3, size // 2), (size - 7, size)):
        part = await member.program.get(path, headers={"Range": f"bytes={start}-{end - 1}"})
        assert part.status_code == 206
        assert part.content == whole.content[start:end]
        assert part.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
    beyond = await member.program.get(path, headers={"Range": f"bytes={size}-"})
    assert beyond.status_code == 416
    same = await member.program.get(path, headers={"If-None-Match": whole.headers["ETag"]})
    assert same.status_code == 304


async def test_a_call_is_recorded_too(
    member: Member, services: Services, api_url: str, with_voice: FakeVoice
) -> None:
    kept = {"enabled": True, "retention_days": 3}
    settings = {**settings_of(None), "recording": kept}
    session_id = await voice_session(
        member, services, channel="twilio", external_id="CA1", settings=settings
    )
    async with calling(api_url) as call:
        await call.start(session_id)
        await call.say(silence(0.2, 8000) + tone(0.8, 8000) + silence(0.2, 8000))
        await call.send({"event": "stop"})
        await call.closed()
    told = await _ready(member, session_id)
    assert told["complete"] is True
    assert told["expiresAt"] is not None
    heard, said = await _sides(member, session_id)
    assert 0.7 <= _loud(heard) <= 0.9
    assert _loud(said) == 0


async def test_nothing_is_recorded_unless_it_is_switched_on(
    member: Member, services: Services, connect: Connect, with_voice: FakeVoice
) -> None:
    shown = (await member.browser.get("/api/voice/config")).json()
    assert shown["recording"] == {"enabled": False, "retentionDays": None}
    made = (await member.program.post(PATH, json={"channel": "web"})).json()
    assert made["recorded"] is False
    talk = Talk(await connect(made["token"]), made["id"])
    assert (await talk.ask("start"))["ok"]
    await talk.say(tone(0.2))
    assert (await member.program.get(f"{PATH}/{made['id']}")).json()["recording"] is None
    answer = await member.program.get(f"{PATH}/{made['id']}/recording")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_only_whose_it_is_and_admins_hear_it(
    member: Member, stranger: Member, services: Services
) -> None:
    session_id = await recorded(member, services)
    assert (await member.program.get(f"{PATH}/{session_id}/recording")).status_code == 200
    path = f"{PATH}/{session_id}/recording"
    assert (await stranger.program.get(path)).status_code == 404
    await join_workspace(member, stranger, "read")
    there = {"workspaceId": member.workspace_id}
    assert (await stranger.browser.get(path, params=there)).status_code == 404


async def test_upkeep_ends_what_a_killed_process_was_recording(
    member: Member, services: Services
) -> None:
    session_id = await recorded(member, services, is_ended=False)
    path = f"{PATH}/{session_id}/recording"
    async with services.store.unit(member.workspace_id) as unit:
        assert await unit.voice_sessions.end(session_id, "lost")
    await upkeep.end_overdue_voice_sessions(services)
    assert (await member.program.get(path)).status_code == 409  # whoever has it may write the rest
    await _execute(services, "UPDATE voice_sessions SET ended_at = now() - interval '1 minute'")
    for _ in range(2):
        await upkeep.end_overdue_voice_sessions(services)
    shown = (await member.program.get(f"{PATH}/{session_id}")).json()["recording"]
    assert (shown["status"], shown["complete"], shown["durationMs"]) == ("ready", False, 200)
    assert (await member.program.get(path)).content[44:] == bytes(range(16)) * 800
    async with services.store.unit(member.workspace_id) as unit:  # it comes back to life
        assert not await unit.voice_recordings.add(piece_of(session_id, 2, "blob_x"))
        assert not await unit.voice_recordings.end(session_id, is_whole=True)


async def test_recordings_go_when_they_were_kept_long_enough(
    member: Member, services: Services
) -> None:
    old, kept = [await recorded(member, services, retention_days=1) for _ in range(2)]
    keys = await _keys(member, services, old)
    await _execute(
        services,
        "UPDATE voice_recordings SET expires_at = now() - interval '1 s'"
        f" WHERE session_id = '{old}'",
    )
    await upkeep.forget_old_recordings(services)
    assert (await member.program.get(f"{PATH}/{old}/recording")).status_code == 404
    assert (await member.program.get(f"{PATH}/{kept}/recording")).status_code == 200
    assert (await member.program.get(f"{PATH}/{old}")).json()["recording"] is None
    assert not await _are_stored(services.blobs, keys)


async def test_recordings_go_with_their_workspace(member: Member, services: Services) -> None:
    session_id = await recorded(member, services)
    keys = await _keys(member, services, session_id)
    assert await _are_stored(services.blobs, keys)
    await remove_workspace(services, member.workspace_id)
    assert not await _are_stored(services.blobs, keys)


async def test_storage_that_fails_for_a_moment_loses_nothing(
    member: Member,
    connect: Connect,
    with_voice: FakeVoice,
    monkeypatch: pytest.MonkeyPatch,
    services: Services,
) -> None:
    monkeypatch.setattr(recording, "PIECE_SECONDS", 0.05)
    monkeypatch.setattr(recording, "_LATE", 0)
    failures = iter(range(2))  # the last try of three goes well, however late the first is
    write = recording.Recorder._write

    async def sometimes(self: recording.Recorder, moment: int) -> None:
        if next(failures, None) is not None:
            raise OSError("the disk is away")
        await write(self, moment)

    monkeypatch.setattr(recording.Recorder, "_write", sometimes)
    talk = await _begin(member, connect)
    await talk.say(tone(0.5))
    await talk.client.disconnect()
    assert (await _ready(member, talk.session_id))["complete"] is True
    heard, _ = await _sides(member, talk.session_id)
    assert 0.45 <= _loud(heard) <= 0.5


async def test_storage_that_is_away_ends_the_recording_and_not_the_session(
    member: Member, connect: Connect, with_voice: FakeVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "PIECE_SECONDS", 0.02)
    monkeypatch.setattr(recording, "_MOST_WAITING", 8_000)

    async def never(*_: object) -> None:
        raise OSError("the disk is away")

    monkeypatch.setattr(recording.Recorder, "_write", never)
    talk = await _begin(member, connect)
    await talk.say(tone(1.0))
    await asyncio.sleep(0.2)
    await talk.say(tone(0.2))  # the conversation goes on
    await talk.client.disconnect()
    told = await _ready(member, talk.session_id)
    assert (told["complete"], told["durationMs"], told["size"]) == (False, 0, 44)
    answer = await member.program.get(f"{PATH}/{talk.session_id}/recording")
    assert len(answer.content) == 44


@pytest.mark.parametrize("days", [0, -1, 4000, "x"])
async def test_odd_settings_are_refused(member: Member, days: object) -> None:
    body = {"recording": {"enabled": True, "retentionDays": days}}
    assert (await member.browser.post("/api/voice/config", json=body)).status_code == 400


async def test_settings_change_one_by_one(member: Member) -> None:
    async def save(recording: object) -> Any:
        body = {"recording": recording}
        answer = await member.browser.post("/api/voice/config", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["recording"]

    assert await save({"retentionDays": 7}) == {"enabled": False, "retentionDays": 7}
    assert await save({"enabled": True}) == {"enabled": True, "retentionDays": 7}
    assert await save({"retentionDays": None}) == {"enabled": True, "retentionDays": None}
    assert await save(None) == {"enabled": False, "retentionDays": None}


async def _keys(member: Member, services: Services, session_id: str) -> list[str]:
    async with services.store.unit(member.workspace_id) as unit:
        return [piece.blob_key for piece in await unit.voice_recordings.pieces(session_id)]


async def _are_stored(blobs: Blobs, keys: list[str]) -> bool:
    found = 0
    for key in keys:
        try:
            async with blobs.local_file(key):
                found += 1
        except Exception as error:  # noqa: BLE001 - told apart here
            assert type(error).__name__ == "NotFound"
    assert found in (0, len(keys))
    return found > 0


async def _execute(services: Services, statement: str) -> None:
    async with services.store.engine.begin() as connection:
        await connection.execute(text(statement))
