"""RabbitMQ's reasons without HTML entities and Erlang terms.

The patterns are from the answers of 3.10, 4.0 and 4.3 to many bad requests. A reason that none of them fits is
kept as it is, on one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from attune_infra.topology.facts.arguments import QUEUE_ARGUMENTS

_POLICY: Final = "Validation failed"
"""Beginning of a refusal of a policy. RabbitMQ 3.10 and 4.0 write these for HTML."""

_CRASHED: Final = "RabbitMQ crashed on this request; its log has the reason"
_TERM: Final = re.compile(r"""(Request to node .* failed with )?\s*[{\[]+\s*('EXIT'|[a-z_]+|<<"[^"]*">>)\s*[,}]""")
_KEY_MISSING: Final = re.compile(r"\[\{key_missing,\s*(\w+)\}\]")
_INVALID_ARGUMENT: Final = re.compile(
    r"(?P<what>.*\binvalid arg '(?P<name>[^']*)' for (?:queue|exchange) '.*' in vhost '.*?'):? (?P<why>.*)"
)
_OF_TYPE: Final = re.compile(r"of queue type rabbit_(classic|quorum|stream)_queue")
_UNKNOWN_KEYS: Final = re.compile(r"\[(.*)\] are not recognised policy settings")
_KEY: Final = re.compile(r"\{'([^']*)',")
_BINARY: Final = re.compile(r'<<"(.*?)">>')
_AT: Final = re.compile(r'\{"(.*)",\s*(\d+)\}')
_TYPE_WORDS: Final = {
    "longstr": "string",
    "signedint": "integer",
    "long": "integer",
    "double": "number",
    "bool": "boolean",
    "array": "array",
    "table": "object",
}
_TYPE: Final = re.compile(rf"(got |type '?|expected )({'|'.join(_TYPE_WORDS)})\b")
_ABOUT_TYPES: Final = re.compile(r"invalid type '|x-match field type")
_TERMS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    (re.compile(r"\{unacceptable_type,(\w+)\}"), lambda found: f"got {found[1]}"),
    (re.compile(r"\{value_(?:negative|zero),(-?\d+)\}"), lambda found: f"{found[1]} is too small"),
    (re.compile(r"\{(?:value_too_large|max_value_exceeded),(\d+)\}"), lambda found: f"{found[1]} is too large"),
    (re.compile(r"routing_key_but_no_dlx_defined"), lambda _: "it needs x-dead-letter-exchange as well"),
    (re.compile(r"invalid_[a-z_]+"), lambda _: "the value is not known"),
)
"""Terms behind the name of an invalid argument, with our words for them."""


def plain_words(reason: str) -> str:
    """Return a reason of RabbitMQ on one line, in words."""
    text = " ".join((_without_entities(reason) if reason.startswith(_POLICY) else reason).split())
    if found := _KEY_MISSING.fullmatch(text):
        return f"{found[1]} is missing"
    if _TERM.match(text):
        return _CRASHED
    if text == "INTERNAL_ERROR":
        return f"{text} - {_CRASHED}"
    if text == "null_not_allowed":
        return "null is not allowed as a value"
    text = _BINARY.sub(r"'\1'", text)
    if text.startswith(_POLICY):
        text = _policy_words(text)
    elif found := _INVALID_ARGUMENT.fullmatch(text):
        return _argument_words(found)
    return _in_words_of_types(text) if _ABOUT_TYPES.search(text) else text


def _without_entities(reason: str) -> str:
    from html import unescape  # which takes as long to load as ten of our own modules

    return unescape(reason)


def _in_words_of_types(text: str) -> str:
    return _TYPE.sub(lambda found: found[1] + _TYPE_WORDS[found[2]], text)


def _policy_words(text: str) -> str:
    text = text.replace(f"{_POLICY} ", f"{_POLICY}: ", 1)
    text = _UNKNOWN_KEYS.sub(lambda found: f"unknown policy keys: {', '.join(_KEY.findall(found[1]))}", text)
    return _AT.sub(r"\1, at character \2", text)


def _argument_words(found: re.Match[str]) -> str:
    """Return words for an invalid argument, with the allowed values."""
    why = found["why"].strip('"')
    if of_type := _OF_TYPE.fullmatch(why):
        return f"{found['what']}: queues of type {of_type[1]} cannot have it"
    for pattern, words in _TERMS:
        if term := pattern.fullmatch(why):
            why = words(term)
    why = _in_words_of_types(why)
    rule = QUEUE_ARGUMENTS.get(found["name"])
    if rule is not None and not why.startswith(("it needs", "received", "expected")):
        why = f"expected {rule.demand}, {why}"
    return f"{found['what']}: {why}"
