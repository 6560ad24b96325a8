"""What OpenAPI says of each field of a body or an answer: the docstring under it."""

from typing import Any

from pydantic import BaseModel

from ttsai_server.docstrings import field_docstrings


def describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Give the fields of a model's JSON schema their docstrings; for `json_schema_extra`."""
    properties: dict[str, dict[str, Any]] = schema.get("properties", {})
    for name, text in field_docstrings(model).items():
        shown = model.model_fields[name].alias or name
        properties[shown].setdefault("description", text)
