"""A stand-in for speech endpoints in OpenAI's wire format, which it checks."""

from __future__ import annotations

from tests.stand_in import Asked, Says

KEY = "sk-speech-0123456789"
PCM = b"\x01\x00" * 8000


def refuse(status: int, message: str) -> Says:
    return Says.json({"error": {"message": message, "type": "invalid_request_error"}}, status)


def answer_as_openai(asked: Asked) -> Says:
    if asked.headers.get("authorization") != f"Bearer {KEY}":
        return refuse(401, "Incorrect API key provided")
    if asked.method != "POST":
        return refuse(405, "POST only")
    if asked.path == "/v1/audio/transcriptions":
        return _transcribed(asked)
    if asked.path == "/v1/audio/speech":
        return _spoken(asked)
    return refuse(404, "Unknown request URL")


def _transcribed(asked: Asked) -> Says:
    fields = multipart_fields(asked)
    if fields.get("model") != b"whisper-1" or not fields.get("file", b"").startswith(b"RIFF"):
        return refuse(400, "model and file are required")
    if fields.get("language") not in (None, b"en") or fields.get("response_format") != b"json":
        return refuse(400, "language is ISO-639-1, response_format json")
    return Says.json({"text": " Hello there. "})


def _spoken(asked: Asked) -> Says:
    body = asked.json()
    if body.get("model") != "tts-1" or body.get("response_format") != "pcm":
        return refuse(400, "model and response_format")
    if body.get("voice") not in ("alloy", "nova") or not 0 < len(body.get("input", "")) <= 4096:
        return refuse(400, "voice and input")
    return Says(headers={"Content-Type": "audio/pcm"}, body=PCM + b"\x01")


def multipart_fields(asked: Asked) -> dict[str, bytes]:
    boundary = asked.headers["content-type"].split("boundary=")[1].strip('"').encode()
    found = {}
    for part in asked.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = head.split(b'name="')[1].split(b'"')[0].decode()
        found[name] = content.removesuffix(b"\r\n")
    return found
