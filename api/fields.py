"""What is wrong with which field, said without the value: pydantic's errors as RFC 9457 `errors`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

MOST_FIELD_ERRORS = 50


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field; `pointer` is a JSON pointer into the part of the request that `place`
    names.
    """

    pointer: str
    code: str
    detail: str
    place: str = "body"

    def shape(self) -> dict[str, str]:
        return {"in": self.place, "pointer": self.pointer, "code": self.code, "detail": self.detail}


_SENTENCES: Mapping[str, str] = {
    "missing": "This is required.",
    "extra_forbidden": "There is a name here that this operation does not know.",
    "repeated": "This is there more than once. Send it once.",
    "string_type": "This has to be text.",
    "string_too_short": "At least {min_length} characters are needed.",
    "string_too_long": "At most {max_length} characters are allowed.",
    "string_pattern_mismatch": "This does not have the expected form.",
    "string_unicode": "This is not valid Unicode text.",
    "int_type": "This has to be a whole number.",
    "float_type": "This has to be a number.",
    "bool_type": "This has to be true or false.",
    "finite_number": "This has to be a finite number.",
    "list_type": "This has to be a list.",
    "model_type": "This has to be an object.",
    "model_attributes_type": "This has to be an object.",
    "dict_type": "This has to be an object.",
    "greater_than_equal": "This has to be {ge} or more.",
    "greater_than": "This has to be more than {gt}.",
    "less_than_equal": "This has to be {le} or less.",
    "less_than": "This has to be less than {lt}.",
    "literal_error": "This has to be one of {expected}.",
    "enum": "This has to be one of {expected}.",
    "too_short": "At least {min_length} are needed.",
    "too_long": "At most {max_length} are allowed.",
    "union_tag_not_found": "The name that tells the variants apart is missing.",
    "union_tag_invalid": "The variant has to be one of {expected_tags}.",
    "decimal_max_places": "At most {decimal_places} decimals are allowed.",
}
_ANY_SENTENCE = "This value is not accepted here."


def _sentence(error: Mapping[str, Any]) -> str:
    if error["type"].startswith("concert_"):
        return str(error["msg"])
    context = error.get("ctx") or {}
    if error["type"] == "string_too_short" and context.get("min_length") == 1:
        return "At least 1 character is needed."
    try:
        return _SENTENCES.get(error["type"], _ANY_SENTENCE).format_map(context)
    except KeyError:
        return _ANY_SENTENCE


def field_errors(errors: Sequence[Mapping[str, Any]], names: frozenset[str]) -> Iterator[FieldError]:
    """Pydantic's errors without anything of the input: a name that is not published does not come back
    either.
    """
    for error in errors[:MOST_FIELD_ERRORS]:
        place, *path = error["loc"] or ("body",)
        known = [str(part) for part in path if isinstance(part, int) or part in names]
        code = error["type"].removeprefix("concert_").replace("_", "-")
        yield FieldError("".join(f"/{part}" for part in known), code, _sentence(error), str(place))


def _published(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        properties = node.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        if "in" in node and isinstance(node.get("name"), str):
            yield node["name"]
        for child in node.values():
            yield from _published(child)
    elif isinstance(node, list):
        for child in node:
            yield from _published(child)


def published_names(app: FastAPI) -> frozenset[str]:
    """The field and parameter names of the app's OpenAPI document, computed once."""
    names: frozenset[str] | None = getattr(app.state, "published_names", None)
    if names is None:
        names = frozenset(name for each in _published(app.openapi()) for name in (each, each.lower()))
        app.state.published_names = names
    return names
