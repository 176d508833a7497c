"""Fixtures of security tests: the running service and people who sign up at it."""

from importlib import import_module

from api.app import SLICES
from tests.api.conftest import (  # noqa: F401
    anonymous,
    api_settings,
    api_url,
    box,
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
from tests.core.sandbox.conftest import interpreter, listener  # noqa: F401

for _slice in SLICES:  # fills the tables of routes and events, from which tests are generated
    import_module(_slice)
