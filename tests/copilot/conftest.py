"""A workspace with documents in it, for turns to be asked about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from core.services import Services
from tests.bases import write_base

MakeBase = Callable[..., Awaitable[str]]


@pytest.fixture
def make_base(services: Services) -> MakeBase:
    """Makes a base with one document of the given pieces: ``await make_base(ws, "text", …)``."""
    return partial(write_base, services.store)
