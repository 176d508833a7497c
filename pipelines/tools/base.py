"""What every tool is: a typed coroutine with a docstring, and what is known about calling it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from core.config import Settings
from core.errors import Conflict, ValidationFailed, issues_of
from core.models.messages import ToolSpec
from core.services import Services

Output = dict[str, JsonValue]


class Params(BaseModel):
    """Parameters of a tool: camelCase on the wire, nothing unknown let in."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid")


class CredentialMissing(Conflict):
    """The workspace has not saved the secrets a tool signs in with."""


@dataclass(frozen=True)
class Reach:
    """What a running tool may reach, in whose workspace.

    ``credentials`` are opened secrets by name. ``idempotency_key`` is equal for every start of the
    same call, after a crash too.
    """

    services: Services
    workspace_id: str
    credentials: Mapping[str, str]
    idempotency_key: str | None = None

    def headers(self, **more: str) -> dict[str, str]:
        """Return headers of an outgoing call, with the idempotency key if there is one."""
        own = {"Idempotency-Key": self.idempotency_key} if self.idempotency_key else {}
        return {**own, **{name.replace("_", "-"): value for name, value in more.items()}}


P = TypeVar("P", bound=Params)


class Typed(Generic[P]):
    """Something with a ``name`` and a coroutine ``run``: its docstring is the description, its
    parameter ``params`` gives the schema."""

    name: str
    run: Callable[..., Awaitable[JsonValue]]

    @property
    def params(self) -> type[P]:
        model: type[P] = get_type_hints(self.run)["params"]
        return model

    @property
    def description(self) -> str:
        return inspect.getdoc(self.run) or ""

    @cached_property
    def spec(self) -> ToolSpec:
        """The tool as a model sees it; made once, since a schema takes its time."""
        return ToolSpec(self.name, self.description, self.schema())

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the parameters."""
        return self.params.model_json_schema(by_alias=True)

    def fit(self, params: Mapping[str, JsonValue]) -> P:
        """Return typed parameters; raises ``ValidationFailed`` with an issue per wrong field."""
        try:
            return self.params.model_validate(params)
        except ValidationError as error:
            issues = issues_of(error)
            said = "; ".join(f"{i['path'] or 'params'}: {i['message']}" for i in issues)
            raise ValidationFailed(
                f"Correct the parameters of {self.name}: {said}.", {"issues": issues}
            ) from error


def _has_none(_: Settings) -> bool:
    return False


@dataclass(frozen=True)
class Tool(Typed[P]):
    """A tool of workflows, which takes a ``Reach`` beside its parameters.

    ``credentials`` lists the ways to sign in: any one set of secrets of the workspace will do.
    ``has_operator_credentials`` says whether settings stand in where a workspace has none.
    ``modes`` are the copilot's modes that may offer it; ``read_only`` says that it changes nothing
    anywhere, ``requires_approval`` that a copilot must ask its user first.
    """

    name: str
    category: str
    run: Callable[[Reach, P], Awaitable[Output]]
    credentials: tuple[tuple[str, ...], ...] = ()
    read_only: bool = False
    requires_approval: bool = True
    modes: tuple[str, ...] = ("workspace-explore", "agent")
    has_operator_credentials: Callable[[Settings], bool] = _has_none

    def is_configured(self, names: set[str], settings: Settings) -> bool:
        """Whether secrets of these names, or the settings, are enough to sign in."""
        if not self.credentials or self.has_operator_credentials(settings):
            return True
        return any(set(way) <= names for way in self.credentials)

    def pick(self, sealed: Mapping[str, str], settings: Settings) -> tuple[str, ...]:
        """Return the names of the secrets to sign in with; raises :class:`CredentialMissing`."""
        if not self.credentials:
            return ()
        for way in self.credentials:
            if set(way) <= sealed.keys():
                return way
        if self.has_operator_credentials(settings):
            return ()
        ways = ", or ".join(" and ".join(way) for way in self.credentials)
        raise CredentialMissing(
            f"{self.name} cannot sign in: save {ways} as secrets of the workspace.",
            {"tool": self.name, "secrets": [list(way) for way in self.credentials]},
        )
