"""Descriptions of fields in OpenAPI: the docstrings under the fields."""

from typing import Any

from pydantic import BaseModel

from ttsai_server.docstrings import field_docstrings


def describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Add the docstrings of a model's fields to its JSON schema, in place; for pydantic's `json_schema_extra`."""
    properties: dict[str, dict[str, Any]] = schema.get("properties", {})
    for name, text in field_docstrings(model).items():
        shown = model.model_fields[name].alias or name
        properties[shown].setdefault("description", text)
