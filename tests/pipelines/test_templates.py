"""Every template runs offline on its sample, and comes to what it says."""

from __future__ import annotations

from typing import Any

import pytest

from copilot import offline
from core.config import Settings
from core.services import Services
from pipelines.imports import read_value
from pipelines.templates import Template, all_templates
from tests.bases import write_base
from tests.conftest import Owner
from tests.pipelines.shapes import play

PASSAGE = "The slipway is closed on Mondays for maintenance."
# The run's output, or what is to be in its text.
COMES_TO: dict[str, Any] = {
    "search-two-ways": f"By meaning: {PASSAGE}\nBy word: {PASSAGE}",
    "route-a-request": "Billing: I was charged twice on my last invoice",
    "triage-by-rule": "on-call: answer within 1 h",
    "hide-personal-data": {"changed": True},
    "check-a-webhook": {"accepted": True, "pieces": 2},
    "read-a-table": "3 rows; sum 2400.0, mean 800.0, largest 1200.0",
    "for-each-item": "0: Dear Ada\n1: Dear Grace\n2: Dear Linus",
    "side-by-side": "West with a score of 120",
    "until-it-is-enough": "64 after 6 rounds",
    "catch-a-failure": "Not read: ",
    "score-a-text": "Publish: Short and clear. It says what to do next.",
    "remind-later": "Reminder: Check the moorings.",
    "save-a-note": {"status": "pending"},
    "answer-from-documents": {},
    "reply-to-email": {"to": "ada@example.com", "subject": "Re: The slipway"},
    "sort-email": "Folder Invoices: Invoice 7",
}


def test_there_are_enough_and_each_is_whole() -> None:
    found = all_templates()
    assert len(found) >= 12
    assert {template.id for template in found} == COMES_TO.keys()
    assert len({template.name for template in found}) == len(found)
    for template in found:
        assert template.description.endswith(".")
        assert read_value(template.workflow).warnings == []


@pytest.fixture
async def played(services: Services, owner: Owner, settings: Settings) -> Any:
    """Runs a template on its sample, with a base that there is: ``await played(template)``."""
    offline.register()
    assert settings.chat_model == "nuxa/extractive"

    async def run(template: Template) -> Any:
        given = dict(template.sample_input)
        if "knowledgeBaseId" in given:
            base = await write_base(services.store, owner.workspace_id, PASSAGE)
            given["knowledgeBaseId"] = base
        definition = read_value(template.workflow).definition
        found = await play(definition, given, services=services, workspace_id=owner.workspace_id)
        assert found.result is not None
        return found.result.output

    return run


@pytest.mark.parametrize("template", all_templates(), ids=lambda template: template.id)
async def test_it_comes_to_what_it_says(template: Template, played: Any) -> None:
    output, wanted = await played(template), COMES_TO[template.id]
    if isinstance(wanted, str):
        assert wanted in output["text"]
    else:
        assert output["data"].items() >= wanted.items()


async def test_personal_data_is_hidden(played: Any) -> None:
    (template,) = (each for each in all_templates() if each.id == "hide-personal-data")
    text = (await played(template))["data"]["text"]
    assert "ada@example.com" not in text
    assert "7946" not in text


async def test_an_answer_from_documents_cites_them(played: Any) -> None:
    (template,) = (each for each in all_templates() if each.id == "answer-from-documents")
    data = (await played(template))["data"]
    assert "Mondays" in data["answer"]
    assert "[1]" in data["answer"]
    assert data["citations"][0]["quote"] in PASSAGE
