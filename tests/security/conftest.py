"""Fixtures of security tests: the running service and people who sign up at it."""

from tests.api.conftest import (  # noqa: F401
    anonymous,
    api_settings,
    api_url,
    member,
    parser,
    server,
    settings,
    sign_up,
    stranger,
    work,
)
from tests.api.workflows.editing.conftest import (  # noqa: F401
    join,
    open_socket,
    reader,
    workflow_id,
)
