"""The OpenAPI document is true: whatever it allows is answered as it says, and nothing makes the server stumble."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from desk.openapi import document
from hotline.api import ROUTES
from tests.desk.desks import TOKEN, a_desk

ELSEWHERE = {"/api/events", "/api/live"}
"""They never end (tests/hotline/test_api.py and test_stream.py read them)."""
PATIENCE = 120.0
"""Seconds for an answer: the machine may be busy."""
EXAMPLES = 3
"""Requests made up for each operation, as the document allows them and again as it does not."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
AWAY = {"not-ready", "agent-not-done", "floor-not-done", "pages-not-built", "log-unusable", "not-written", "not-rung"}
"""What a 503 may say here, where no Asterisk is."""


@pytest.mark.timeout(600)
async def test_whatever_is_asked_is_answered_as_the_document_says(tmp_path: Path) -> None:
    token = {"Authorization": f"Bearer {TOKEN}"}
    async with a_desk(tmp_path) as desk:
        await desk.service.almanac.refresh()  # all sounds are there: no request waits for their making
        document = await (await desk.http.get("/api/openapi.json", headers=token)).json()
        for path in ELSEWHERE:
            del document["paths"][path]
        wrong = await asyncio.to_thread(ask_everything, document, desk.origin, token)
        assert not wrong, "\n\n".join(wrong)


def ask_everything(document: dict[str, Any], origin: str, token: dict[str, str]) -> list[str]:
    """Ask each operation what is made up for it; return what came of it that should not."""
    wrong: list[str] = []
    for found in openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                ask(operation.as_strategy(mode), origin, token)
            except Unsatisfiable:
                pass  # without parameters nothing can be wrong with them
            except (Exception, BaseExceptionGroup) as problem:  # all findings are told, not the first one only
                wrong.append(f"{operation.label}, {mode.value}: {problem}")
    return wrong


def ask(cases: Any, origin: str, token: dict[str, str]) -> None:
    """Ask a few of these."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def asked(case: Any) -> None:
        answer = case.call(base_url=origin, headers=token, timeout=PATIENCE)
        if answer.status_code == 503 and answer.json().get("code", "not-ready") in AWAY:
            return
        case.validate_response(answer, checks=CHECKS)

    asked()


def test_every_operation_has_a_name_of_its_own() -> None:
    told = document(ROUTES, version="0")
    names = [each["operationId"] for path in told["paths"].values() for each in path.values()]
    assert len(names) == len(set(names)) == len(ROUTES)
