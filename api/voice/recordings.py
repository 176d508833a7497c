"""What a recording is on the wire: a WAV file, made of the pieces that were written."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from api.files.download import Download
from api.voice.schemas import Recording
from core.blobs import Blobs
from core.models.speech.pcm import LISTENING_RATE, STEREO_BYTES, WAV_HEADER_BYTES, stereo_header
from core.store.voice_recordings import VoiceRecording, VoiceRecordingPiece


def shown_recording(row: VoiceRecording) -> Recording:
    """Return what is told of a recording with its session."""
    return Recording(
        status="recording" if row.ended_at is None else "ready",
        complete=row.is_whole,
        duration_ms=round(row.frames * 1000 / LISTENING_RATE),
        size=_size(row),
        expires_at=row.expires_at,
    )


def download_of(
    blobs: Blobs, row: VoiceRecording, pieces: Sequence[VoiceRecordingPiece]
) -> Download:
    """Return a recording that has ended as a file: the caller left, the copilot right."""

    def read(start: int, end: int) -> AsyncIterator[bytes]:
        return _bytes(blobs, row, pieces, start, end)

    # Nothing is written to it any more: its length tells one version from another.
    version = f"{row.session_id}-{row.frames}"
    return Download(f"{row.session_id}.wav", "audio/wav", version, _size(row), read)


def _size(row: VoiceRecording) -> int:
    return WAV_HEADER_BYTES + row.frames * STEREO_BYTES


async def _bytes(
    blobs: Blobs, row: VoiceRecording, pieces: Sequence[VoiceRecordingPiece], start: int, end: int
) -> AsyncIterator[bytes]:
    """Yield the bytes [start, end) of the file, from whichever pieces hold them."""
    header = stereo_header(row.frames, LISTENING_RATE)
    if start < len(header):
        yield header[start:end]
    at = len(header)
    for piece in pieces:
        size = piece.frames * STEREO_BYTES
        first, last = max(start - at, 0), min(end - at, size)
        if first < last:
            async for some in blobs.read(piece.blob_key, first, last):
                yield some
        at += size
