from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from core.errors import ValidationFailed, issues_of


class Address(BaseModel):
    town: str


class Person(BaseModel):
    age: int
    addresses: list[Address]


def test_a_refused_field_is_named_and_its_message_is_the_sentence() -> None:
    error = ValidationFailed.at("topK", "Ask for 1 to 100 results.")
    assert error.message == str(error) == "Ask for 1 to 100 results."
    issue = {"path": "topK", "message": "Ask for 1 to 100 results.", "code": "invalid"}
    assert error.details == {"issues": [issue]}


def test_a_sentence_of_its_own_stands_instead_of_the_issues_message() -> None:
    error = ValidationFailed.at("token", "too old", "expired", sentence="Ask for a new link.")
    assert error.message == "Ask for a new link."
    assert error.details["issues"] == [{"path": "token", "message": "too old", "code": "expired"}]


def test_what_pydantic_found_is_listed_without_what_was_sent() -> None:
    with pytest.raises(ValidationError) as caught:
        Person.model_validate({"age": "secret", "addresses": [{"town": "Ulm"}, {}]})
    issues = issues_of(caught.value)
    assert [(each["path"], each["code"]) for each in issues] == [
        ("age", "int_parsing"),
        ("addresses.1.town", "missing"),
    ]
    assert "secret" not in str(issues)
