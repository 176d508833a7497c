"""What the database says, as errors of our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from asyncpg import ForeignKeyViolationError, UniqueViolationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core.errors import Conflict, ServiceUnavailable

_RACE: Final = "Somebody made or removed the same thing just now; look again."
_RACES: Final = ("23505", "23503")  # unique and foreign keys; the rest are our own mistakes


@contextmanager
def explained() -> Iterator[None]:
    """Raise our own errors for two who make the same thing at once, and for a silent server."""
    try:
        yield
    except PoolTimeout as error:
        raise ServiceUnavailable("The database is busy; try again soon.") from error
    except (UniqueViolationError, ForeignKeyViolationError) as error:  # by the driver itself
        raise Conflict(_RACE) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise ServiceUnavailable("The database does not answer; try again soon.") from error
        if getattr(error.orig, "sqlstate", None) in _RACES:
            raise Conflict(_RACE) from error
        raise
