"""Answers of the management API, and the parts of the errors that they become."""

from __future__ import annotations

import http
import io
import json

import requests

from attune_infra.errors import BrokerError

WHERE = "http://broker.example:15672"


def parts_of(error: BrokerError) -> tuple[type[BrokerError], str, str | None]:
    return type(error), error.sentence, error.hint


def response(
    status: int, body: object = "", *, method: str = "GET", path: str = "overview", **headers: str
) -> requests.Response:
    """Return an answer of the management API: a page, or JSON unless the body is a string."""
    answer = requests.Response()
    answer.status_code, answer.reason = status, http.HTTPStatus(status).phrase
    answer.raw = io.BytesIO((body if isinstance(body, str) else json.dumps(body)).encode())
    answer.headers.update(headers)
    answer.request = requests.Request(method, f"{WHERE}/api/{path}").prepare()
    return answer


def refuse(status: int, reason: object, **request: str) -> requests.Response:
    return response(status, {"error": "some_word", "reason": reason}, **request)
