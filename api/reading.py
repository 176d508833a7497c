"""From bytes and query strings to checked models; whatever is wrong is a 4xx that says what."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from mmap import ACCESS_READ, mmap
from tempfile import SpooledTemporaryFile
from typing import Any, Final, NoReturn, TypeVar, get_origin
from urllib.parse import parse_qs

import pydantic_core
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import Headers

from api.errors import invalid
from core.errors import PayloadTooLarge, TimedOut, UnsupportedMediaType, ValidationFailed
from core.json_values import require_depth

M = TypeVar("M", bound=BaseModel)
Spooled = bytes | mmap

_BODY_SECONDS: Final = 60
_LATE: Final = "The body did not arrive in time; send it again."
_MOST_FIELDS: Final = 100
_MAX_INLINE_BYTES: Final = 64 * 1024
# One thread: large bodies are read one after the other, and the event loop runs in between.
_parsing: Final = ThreadPoolExecutor(1, "json")
# Escapes of NUL, which PostgreSQL stores in no text, and of surrogates, which UTF-8 has not.
_SUSPECT: Final = re.compile(rb"\\u(0000|d[89a-f])", re.IGNORECASE)
_UNSTORABLE: Final = (b"\\u0000", b"Infinity", b"NaN")  # as they are written, or words that say so


async def read_json(headers: Headers, body: AsyncIterator[bytes], limit: int) -> dict[str, Any]:
    """Return the JSON object of a body, ``{}`` for an empty one.

    Raises ``PayloadTooLarge`` past ``limit`` bytes, ``UnsupportedMediaType`` for another type,
    ``ValidationFailed`` for what is no JSON object.
    """
    raw = await read_whole(headers, body, limit)
    if not raw.strip():
        return {}
    content_type = headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
    if len(raw) <= _MAX_INLINE_BYTES:
        return json_object(raw, "body")
    return await asyncio.get_running_loop().run_in_executor(_parsing, json_object, raw, "body")


def json_object(raw: bytes, what: str) -> dict[str, Any]:
    """Return a JSON object that can be stored; raises ``ValidationFailed``, which says ``what`` is
    none."""
    try:
        data = json.loads(raw, parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise ValidationFailed(f"The {what} is not valid JSON.") from error
    if not isinstance(data, dict):
        raise ValidationFailed(f"The {what} must be a JSON object.")
    require_depth(data)
    if _SUSPECT.search(raw):
        refuse_unstorable(data)
    return data


async def read_form(
    headers: Headers, body: AsyncIterator[bytes], limit: int
) -> dict[str, str | list[str]]:
    """Return the fields of a body of ``application/x-www-form-urlencoded``, each given once."""
    raw = await read_whole(headers, body, limit)
    try:
        fields = parse_qs(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise ValidationFailed("The body is not a valid form.") from error
    return query_data(None, fields)


@asynccontextmanager
async def spool_whole(
    headers: Headers, body: AsyncIterator[bytes], limit: int
) -> AsyncIterator[Spooled]:
    """Give a body as it came, kept on disk where it is large; raises as :func:`read_whole`."""
    require_size(headers, limit)
    with SpooledTemporaryFile(_MAX_INLINE_BYTES) as file:
        size = 0
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                async for piece in body:
                    size += len(piece)
                    if size > limit:
                        raise _too_large(limit)
                    if size > _MAX_INLINE_BYTES:
                        await asyncio.to_thread(file.write, piece)
                    else:
                        file.write(piece)
        except TimeoutError as error:
            raise TimedOut(_LATE) from error
        if size <= _MAX_INLINE_BYTES:
            file.seek(0)
            yield file.read()
            return
        file.flush()
        with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
            yield content


async def read_whole(headers: Headers, body: AsyncIterator[bytes], limit: int) -> bytes:
    """Return a body as it came; raises ``PayloadTooLarge`` past ``limit`` bytes, ``TimedOut``."""
    require_size(headers, limit)
    pieces = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in body:
                pieces += piece
                if len(pieces) > limit:
                    raise _too_large(limit)
    except TimeoutError as error:
        raise TimedOut(_LATE) from error
    return bytes(pieces)


def require_size(headers: Headers, limit: int) -> None:
    """Raise ``PayloadTooLarge`` for a body that is announced as larger than ``limit`` bytes."""
    announced = headers.get("Content-Length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(
        f"The body is larger than {limit} bytes; upload large content as a file."
    )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(written: str) -> float:
    """Read a number; 1e999 would be infinite, which is no JSON any more."""
    value = float(written)
    if math.isinf(value):
        raise ValueError(written)
    return value


def refuse_unstorable(data: Any) -> None:
    """Raise ``ValidationFailed`` for texts and numbers, however deep, that cannot be stored."""
    if _is_storable(data):
        return
    for value in _leaves(data):
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ValidationFailed("The body holds a number beyond all floats; correct it.")
        elif "\x00" in value or not _is_utf8(value):
            raise ValidationFailed("The body holds NUL or half a surrogate pair; remove it.")


def _is_storable(data: Any) -> bool:
    """Whether all surely can be stored: written as JSON at once, which takes a tenth of the time of
    looking at each. Half a surrogate pair cannot be written; bytes are no text."""
    try:
        written = pydantic_core.to_json(data, bytes_mode="base64", inf_nan_mode="constants")
    except (ValueError, RecursionError):
        return False
    return not any(sign in written for sign in _UNSTORABLE)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _leaves(data: Any) -> Iterator[str | float]:
    waiting = [data]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str | float):
            yield item
        elif isinstance(item, dict):
            waiting.extend([*item.keys(), *item.values()])
        elif isinstance(item, list):
            waiting.extend(item)


def checked(model: type[M], data: Mapping[str, Any]) -> M:
    """Return the data as a model; raises ``ValidationFailed`` with an issue per wrong field."""
    if len(data) > _MOST_FIELDS and model.model_config.get("extra") == "forbid":
        # Saying so of each of a hundred thousand fields would hold up everybody for a second.
        raise ValidationFailed(f"There are {len(data)} fields; send those that are documented.")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise invalid(error) from error


def query_data(
    model: type[BaseModel] | None, given: Mapping[str, Sequence[str]]
) -> dict[str, str | list[str]]:
    """Return a query or form as a model takes it: lists for list fields, one text for others."""
    lists = _list_fields(model) if model else set()
    data: dict[str, str | list[str]] = {}
    for name, values in given.items():
        if any("\x00" in value for value in values):
            raise ValidationFailed(f"The field {name} holds NUL; remove it.")
        if name not in lists and len(values) > 1:
            raise ValidationFailed(f"The field {name} is given {len(values)} times.")
        data[name] = list(values) if name in lists else values[0]
    return data


def _list_fields(model: type[BaseModel]) -> set[str]:
    return {
        field.alias or name
        for name, field in model.model_fields.items()
        if get_origin(field.annotation) is list
    }
