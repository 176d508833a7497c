"""What every table and repository shares."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, DateTime, MetaData, any_, func, literal, select, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute, Mapped, mapped_column


class Base(DeclarativeBase):
    """Names constraints the same way everywhere, so that migrations can name them too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    # Times set by the database come back with the write; a later read would block the event loop.
    __mapper_args__ = {"eager_defaults": True}  # noqa: RUF012 - read by SQLAlchemy
    type_annotation_map = {  # noqa: RUF012 - read by SQLAlchemy as a plain attribute
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[dict[str, Any]]: JSONB,
    }


R = TypeVar("R", bound=Base)


class Timestamps:
    """Creation and last change, set by the database."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Repository:
    """Queries over all workspaces: sign-in, claims and upkeep only."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session


class TenantRepository(Repository):
    """Queries that cannot be asked without the caller's workspace."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        super().__init__(session)
        self._workspace_id = workspace_id


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


def is_one_of(column: InstrumentedAttribute[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Compare with one array, so that the statement is the same, and prepared, for any number."""
    return column == any_(literal(list(values), ARRAY(column.type)))


def apply_defaults(row: Base) -> None:
    """Set what is missing on a new row and has a default of ours."""
    for name, attribute in row.__mapper__.column_attrs.items():
        default = attribute.columns[0].default
        if default is not None and getattr(row, name) is None:
            setattr(row, name, default.arg(None) if default.is_callable else default.arg)


def column_values(row: Base) -> dict[str, Any]:
    """Return the values of a new row by the names of its columns, defaults of ours included."""
    apply_defaults(row)
    found = {}
    for name, attribute in row.__mapper__.column_attrs.items():
        column, value = attribute.columns[0], getattr(row, name)
        if value is not None or (isinstance(column.type, JSONB) and not column.nullable):
            found[column.name] = value  # None is JSON's own null
    return found


async def load_detached(session: AsyncSession, kind: type[R], sql: str, **values: Any) -> list[R]:
    """Return the rows that a statement gives whole, as objects outside the session.

    What is changed on them later is not written.
    """
    query = select(kind).from_statement(text(sql)).execution_options(populate_existing=True)
    found = list(await session.scalars(query, values))
    for row in found:
        session.expunge(row)
    return found
