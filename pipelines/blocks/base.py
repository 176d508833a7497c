"""What every kind of block declares: typed settings, named outputs, handles it leaves by."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, JsonValue, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from core.errors import ValidationFailed, explain_issue
from core.services import Services
from core.store.pauses import Asked, Pause
from pipelines.references import Scope, TextBudget, as_text, has_tokens, resolve
from pipelines.run_limits import RunBudget
from pipelines.scope import RunScope

Values: TypeAlias = Mapping[str, JsonValue]
Output: TypeAlias = dict[str, JsonValue]
Emit: TypeAlias = Callable[[str, Output], Awaitable[None]]
SOURCE = "source"
ERROR = "error"

_AS_TEXT = BeforeValidator(as_text)
Text = Annotated[str, _AS_TEXT]
"""A text setting: whatever a reference brings in is written out; what is empty is ''."""


class BlockSettings(BaseModel):
    """Settings by sub-block id; sub-blocks that we do not know are ignored."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Held(Exception):
    """The run pauses at this block: it has its turn again when the run goes on."""


class Pauses(Protocol):
    """Where blocks wait without a worker."""

    async def hold(self, context: Context, asked: Asked) -> Pause:
        """Return the pause of the block once it is over; raise :class:`Held` until then."""
        ...


class Calls(Protocol):
    """How blocks run other workflows."""

    async def call(self, context: Context, workflow_id: str, given: JsonValue) -> JsonValue:
        """Return the output of a run of another workflow; raise what it failed with."""
        ...

    async def abandon(self, context: Context) -> None:
        """Cancel the run that the block has begun, if it goes on."""
        ...


@dataclass(frozen=True)
class Context:
    """What a running block knows of its run and may reach.

    ``emit`` sends a live event that is not stored with the block, such as ``stream:chunk``;
    ``attempt`` counts the block's tries from 1.
    """

    workspace_id: str
    workflow_id: str
    execution_id: str
    block_id: str
    iteration: str | None
    input: JsonValue
    scope: RunScope
    services: Services
    emit: Emit
    pauses: Pauses
    calls: Calls
    attempt: int = 1
    budget: RunBudget = field(default_factory=RunBudget)

    @property
    def idempotency_key(self) -> str:
        """Equal for every start of this block in this run, after a crash too."""
        return f"{self.execution_id}/{self.block_id}/{self.iteration or 0}"

    @property
    def place(self) -> tuple[str, str]:
        """The block and its iteration, as they are stored."""
        return self.block_id, self.iteration or ""


S = TypeVar("S", bound=BlockSettings)


class BlockKind(Generic[S]):
    """One type of block. ``raw`` settings reach ``execute`` with their references unresolved.

    ``open_outputs`` says that a block may have other outputs than those named, ``is_heavy`` that
    its runs may take much of a process's time, by repetition.
    """

    type_name: ClassVar[str]
    title: ClassVar[str]
    description: ClassVar[str]
    outputs: ClassVar[Mapping[str, str]]
    open_outputs: ClassVar[bool] = False
    raw: ClassVar[frozenset[str]] = frozenset()
    sets_variables: ClassVar[bool] = False
    is_container: ClassVar[bool] = False
    is_heavy: ClassVar[bool] = False
    settings: type[S]

    async def execute(self, context: Context, settings: S) -> Output:
        """Do the block's work; raise a ``NuxaError`` whose sentence says what to do next."""
        raise NotImplementedError

    async def abandon(self, context: Context) -> None:
        """Take back what a run that was out of time has left behind."""

    @classmethod
    def branches(cls, values: Values) -> frozenset[str]:  # noqa: ARG003 - for overriders
        """Handles an edge may leave by, besides ``error``."""
        return frozenset({SOURCE})

    @classmethod
    def chosen(cls, output: Output) -> frozenset[str]:  # noqa: ARG003 - for overriders
        """The handles that a finished run of the block leaves by."""
        return frozenset({SOURCE})

    @classmethod
    def problems(cls, values: Values) -> list[tuple[str, str]]:
        """Return ``(setting, sentence)`` for each setting that is missing or can never fit."""
        return cls._find_misfits(cls.read(values)) + cls.further_problems(values)

    @classmethod
    def further_problems(cls, values: Values) -> list[tuple[str, str]]:  # noqa: ARG003
        """Return what rules of the kind find beside the types of its settings."""
        return []

    @classmethod
    def read(cls, values: Values) -> dict[str, JsonValue]:
        """Return the known settings; editors store lists and objects as JSON texts, read here."""
        fields = cls.fields()
        known = {key: values[key] for key in fields if key in values}
        return {
            key: value if _is_text(fields[key]) else _from_json(value)
            for key, value in known.items()
        }

    @classmethod
    def resolve(cls, values: Values, scope: Scope) -> dict[str, JsonValue]:
        """Return the known settings with their references filled in."""
        budget = TextBudget()
        return {
            key: value if key in cls.raw else resolve(value, scope, budget)
            for key, value in cls.read(values).items()
        }

    @classmethod
    def fit(cls, resolved: Values) -> S:
        """Return typed settings; raise ``ValidationFailed`` naming the one that does not fit."""
        fields = cls.fields()
        given = {k: v for k, v in resolved.items() if v is not None or _is_text(fields[k])}
        try:
            return cls.settings.model_validate(given)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "settings"
            raise ValidationFailed(f"The setting {place} {explain_issue(first)}.") from error

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """Describe this type for ``GET /api/blocks``."""
        return {
            "type": cls.type_name,
            "name": cls.title,
            "description": cls.description,
            "settings": cls.settings.model_json_schema(by_alias=True),
            "outputs": dict(cls.outputs),
            "openOutputs": cls.open_outputs,
        }

    @classmethod
    @cache
    def fields(cls) -> dict[str, FieldInfo]:
        """Return the fields of the settings by sub-block id."""
        return {info.alias or name: info for name, info in cls.settings.model_fields.items()}

    @classmethod
    @cache
    def _adapters(cls) -> dict[str, TypeAdapter[Any]]:
        return {key: _adapter(field) for key, field in cls.fields().items()}

    @classmethod
    def _find_misfits(cls, values: Values) -> list[tuple[str, str]]:
        found = []
        for key, info in cls.fields().items():
            if key not in values:
                if info.is_required():
                    found.append((key, f"the setting {key} is missing"))
            elif key in cls.raw or not has_tokens(values[key]):
                found += [(key, f"{key}: {m}") for m in _misfits(cls._adapters()[key], values[key])]
        return found


def _adapter(field: FieldInfo) -> TypeAdapter[Any]:
    annotated: Any = Annotated[(field.annotation, *(field.metadata or [None]))]
    return TypeAdapter(annotated)


def _is_text(field: FieldInfo) -> bool:
    return _AS_TEXT in field.metadata


def _from_json(value: JsonValue) -> JsonValue:
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        read: JsonValue = json.loads(value)
    except (ValueError, RecursionError):
        return value  # a text that only looks like JSON; fit() says so where no text is allowed
    return read


def _misfits(adapter: TypeAdapter[Any], value: JsonValue) -> list[str]:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        return [
            f"{'.'.join(map(str, e['loc']))} {explain_issue(e)}".strip()
            for e in error.errors(include_url=False, include_input=False)
        ]
    return []
