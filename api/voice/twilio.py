"""Calls that Twilio brings: each is a session, whose audio comes by a Media Stream."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import quoteattr

from api.access import PUBLIC
from api.call import Call, Reply
from api.endpoint import Media, endpoint
from api.reading import read_whole
from api.voice.callers import count_as, refused
from api.voice.signatures import is_from_twilio
from copilot.voice.sessions import Opening, open_session
from core.errors import Forbidden, ValidationFailed
from core.store.voice_configs import VoiceConfig
from core.store.voice_sessions import ENDED, VoiceSession

STREAM_PATH: Final = "/api/voice/stream"
_LARGEST: Final = 64 * 1024  # bytes; Twilio sends a few kilobytes
_MOST_FIELDS: Final = 200
_OVER: Final = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})
_XML: Final = "text/xml; charset=utf-8"

Form = Mapping[str, Sequence[str]]


@endpoint(
    "POST",
    "/api/voice/webhook/twilio",
    access=PUBLIC,
    raw=True,
    answers={200: Media("text/xml")},
    errors=(Forbidden,),
)
async def receive_twilio(call: Call) -> Reply:
    """Answer a call with TwiML that connects it, or take note that it is over.

    Signed by ``X-Twilio-Signature``, else 403. A call that goes on gets the same TwiML again; one
    that has ended is 403.
    """
    body = await read_whole(call.request.headers, call.request.body, _LARGEST)
    form = _form(call, body)
    fields = _fields(form, body)
    config = await _signed_for(call, form, fields, body)
    await count_as(call, config)
    call_sid = fields.get("CallSid")
    if not call_sid:
        raise ValidationFailed("This names no CallSid; set it as a number's voice URL at Twilio.")
    if fields.get("CallStatus") in _OVER:
        async with call.services.store.unit(config.workspace_id) as unit:
            await unit.voice_sessions.end_of("twilio", call_sid, "hangup")
        return _twiml("")
    return _twiml(_connect(call, await _token(call, config, call_sid)))


def _form(call: Call, body: bytes) -> Form | None:
    """Return the fields of a form, None for another kind of body."""
    kind = call.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return None
    try:
        return parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise refused("Twilio") from error


def _fields(form: Form | None, body: bytes) -> dict[str, str]:
    """Return the texts of a form or a JSON object."""
    if form is not None:
        return {name: values[0] for name, values in form.items()}
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise refused("Twilio") from error
    named = found if isinstance(found, dict) else {}
    return {name: value for name, value in named.items() if isinstance(value, str)}


async def _signed_for(
    call: Call, form: Form | None, fields: Mapping[str, str], body: bytes
) -> VoiceConfig:
    """Return the settings whose token signed the request; raises ``Forbidden`` if none did."""
    given = call.request.headers.get("X-Twilio-Signature", "")
    account, named = fields.get("AccountSid", ""), call.request.query.get("workspaceId")
    if not (given and account) or "\x00" in account + "".join(named or ()):
        raise refused("Twilio")
    url = f"{call.services.settings.base_url}{call.request.path}"
    if call.request.query_string:
        url += f"?{call.request.query_string}"
    async with call.services.store.system() as system:
        configs = await system.voice_configs.of_twilio(account, named[0] if named else None)
    for config in configs:
        token = call.services.sealer.open(config.sealed_twilio_auth_token or "")
        if is_from_twilio(given, url, form, body, token):
            return config
    raise refused("Twilio")


async def _token(call: Call, config: VoiceConfig, call_sid: str) -> str:
    """Return the token of the call's session, which begins here if it did not before."""
    store, sealer = call.services.store, call.services.sealer
    async with store.unit(config.workspace_id) as unit:
        known = await unit.voice_sessions.of_call(call_sid)
        if known is None:
            opening = Opening(config.updated_by, "twilio", external_id=call_sid)
            opened = await open_session(unit, call.services, opening)
            if opened is not None:
                return opened.token
    if known is None:  # a repeat was faster
        async with store.unit(config.workspace_id) as unit:
            known = await unit.voice_sessions.of_call(call_sid)
    return sealer.open(_live(known).sealed_token or "")


def _live(session: VoiceSession | None) -> VoiceSession:
    if session is None or session.status == ENDED:
        raise Forbidden("This call has ended.")
    return session


def _connect(call: Call, token: str) -> str:
    scheme, _, rest = call.services.settings.base_url.partition("://")
    address = f"{'wss' if scheme == 'https' else 'ws'}://{rest}{STREAM_PATH}"
    return (
        f"<Connect><Stream url={quoteattr(address)}>"
        f'<Parameter name="token" value={quoteattr(token)}/></Stream></Connect>'
    )


def _twiml(inside: str) -> Reply:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Response>{inside}</Response>'
    return Reply(content=text.encode(), headers={"Content-Type": _XML})
