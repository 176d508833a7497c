"""Headers that a workflow's author may set on answers of the service."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.blocks.response import ResponseSettings


@pytest.mark.parametrize(
    "name",
    [
        "Set-Cookie",
        "Location",
        "Access-Control-Allow-Origin",
        "Clear-Site-Data",
        "X-Sendfile",
        "X-Accel-Redirect",
        "X-Lighttpd-Send-File",
        "X-LiteSpeed-Location",
        "X-Reproxy-URL",
        "X-Frame-Options",
        "X-Execution-Id",
        "X-Anything",
    ],
)
def test_response_settings_with_header_outside_allow_list_are_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="is not allowed"):
        ResponseSettings(headers={name: "/etc/passwd"})


@pytest.mark.parametrize("name", ["ETag", "Cache-Control", "Link", "X-Workflow-Version"])
def test_response_settings_with_allowed_header_keep_it(name: str) -> None:
    assert ResponseSettings(headers={name: "1"}).headers == {name: "1"}


def test_response_settings_with_line_break_in_value_are_refused() -> None:
    with pytest.raises(ValidationError):
        ResponseSettings(headers={"ETag": "1\r\nSet-Cookie: a=b"})
