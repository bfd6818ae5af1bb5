"""The interface as an OpenAPI 3.1 document, made from the same routes that answer: it cannot say another thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from desk.routes import Problem, Route

SCHEMA_AT: Final = "#/components/schemas/{model}"
REASONS: Final[Mapping[int, str]] = {
    101: "From here on as a WebSocket",
    200: "Done",
    201: "Made",
    206: "A part",
    400: "Not HTTP",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not there",
    409: "Not now",
    413: "Too large",
    416: "No such part",
    422: "Not well formed",
    429: "Too many tries",
    503: "Away",
}


NOT_HTTP: Final = {"description": "Not HTTP, or a line too long; told by the protocol", "content": {"text/plain": {}}}


def document(routes: Sequence[Route], *, version: str) -> dict[str, Any]:
    """Return the document."""
    modes = sorted(_models(routes), key=lambda each: each[0].__name__)
    _, schemas = models_json_schema(modes, ref_template=SCHEMA_AT)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hotline",
            "version": version,
            "description": "What the pages, the command line and other programs ask and do. An error is JSON with a"
            " code that stays and a sentence that may change. Numbers are masked.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _models(routes: Sequence[Route]) -> Iterable[tuple[type[BaseModel], Any]]:
    yield (Problem, "serialization")
    seen: set[type[BaseModel]] = set()
    for route in routes:
        if route.body is not None and route.body not in seen:
            yield (route.body, "validation")
            seen.add(route.body)
        if isinstance(route.answer, type) and route.answer not in seen:
            yield (route.answer, "serialization")
            seen.add(route.answer)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": "_".join([route.method.lower(), *re.findall(r"\w+", route.path)]),
        "summary": route.says.partition("\n")[0].rstrip("."),
        "description": route.says,
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {"400": NOT_HTTP, str(route.status): _good(route)}
        | {str(status): _bad(status) for status in sorted(_refusals(route))},
    }
    if not route.rule.open:
        operation["security"] = [{"token": []}]
        operation["x-roles"] = sorted(route.rule.anybodys)
        operation["x-roles-for-their-own"] = sorted(route.rule.own)
    if route.body is not None:
        schema = {"$ref": SCHEMA_AT.format(model=route.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation


def _good(route: Route) -> dict[str, Any]:
    if isinstance(route.answer, str):
        return {"description": REASONS[route.status], "content": {route.answer: {}}}
    schema = {"$ref": SCHEMA_AT.format(model=route.answer.__name__)}
    content = {"application/json": {"schema": schema}} | {kind: {} for kind in route.also}
    return {"description": REASONS[route.status], "content": content}


def _bad(status: int) -> dict[str, Any]:
    schema = {"$ref": SCHEMA_AT.format(model=Problem.__name__)}
    return {"description": REASONS[status], "content": {"application/json": {"schema": schema}}}


def _refusals(route: Route) -> set[int]:
    refusals = set(route.refusals)
    if not route.rule.open:
        refusals |= {401, 403}
    if route.body is not None:
        refusals |= {413}
    if route.path.startswith("/api/"):
        refusals |= {422, 503}
    return refusals


def _path_parameters(route: Route) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query_parameters(route: Route) -> Iterable[dict[str, Any]]:
    if route.query is None:
        return
    schema = route.query.model_json_schema()
    for name, field in schema.get("properties", {}).items():
        yield {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": field}
