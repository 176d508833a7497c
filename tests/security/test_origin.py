"""A write with a cookie comes from a page of the service: same scheme, host and port."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from werkzeug.datastructures import Headers

from api import origin
from core.config import Settings
from core.errors import Forbidden


def _settings(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize("foreign", ["https://box.local:8420", "ftp://box.local:8420"])
def test_check_write_with_other_scheme_is_refused(foreign: str) -> None:
    host = urlsplit(foreign).netloc
    with pytest.raises(Forbidden):
        origin.check_write(Headers({"Origin": foreign, "Host": host}), _settings(), "http")


def test_check_write_with_name_of_the_request_is_allowed() -> None:
    headers = Headers({"Origin": "http://box.local:8420", "Host": "box.local:8420"})
    origin.check_write(headers, _settings(), "http")


def test_check_write_with_public_url_of_other_scheme_is_refused() -> None:
    settings = _settings(public_url="https://nuxa.example")
    headers = Headers({"Origin": "http://nuxa.example", "Host": "nuxa.example"})
    with pytest.raises(Forbidden):
        origin.check_write(headers, settings, "http")
