from __future__ import annotations

from typing import Any

import pytest

from copilot import searching
from copilot.begin import Ask, begin
from core.models.embed import get_embedder
from core.services import Services
from core.store.messages import Messages
from tests.conftest import Owner
from tests.copilot.conftest import MakeBase

BUDGETS = "The head of finance approves every budget above 10,000 euros."


async def test_the_question_is_searched_for_while_the_turn_is_written_down(
    services: Services, owner: Owner, make_base: MakeBase, monkeypatch: pytest.MonkeyPatch
) -> None:
    base_id = await make_base(owner.workspace_id, BUDGETS)
    steps: list[str] = []

    def tell(place: Any, name: str, step: str) -> None:
        plain = getattr(place, name)

        def told(*given: Any, **named: Any) -> Any:
            steps.append(step)
            return plain(*given, **named)

        monkeypatch.setattr(place, name, told)

    tell(get_embedder(services.settings.embedding_model), "begin_query", "embed")
    tell(searching, "find", "search")
    tell(Messages, "begin_turn", "write")
    async with services.store.unit(owner.workspace_id) as unit:
        ask = Ask("Who approves budgets?", base_ids=[base_id])
        begun = await begin(unit, services, owner.user_id, ask)
    assert list(dict.fromkeys(steps)) == ["embed", "search", "write"]  # as each came first
    assert begun.search is not None
    assert "budget" in (await begun.search)[0].text
