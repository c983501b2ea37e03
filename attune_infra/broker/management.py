"""HTTP requests to the management API: rabbitmq-admin's AdminAPI, extended. This module knows no topology.

The extensions are one kept-alive session with time-outs and TLS, percent-encoded path segments, requests to every
path of the API, and the broker's own reason in errors.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlsplit

import requests
from rabbitmq_admin import AdminAPI
from urllib3.exceptions import LocationParseError

from attune_infra.broker import answers, bounded, faults, request_log
from attune_infra.broker.shapes import ANYTHING, Shape, fault_in
from attune_infra.settings import Settings

_OVERVIEW: Final = "rabbitmq_version,cluster_name,node,object_totals.queues,exchange_types.name"


class Overview(NamedTuple):
    """A broker at a glance. The `queues` are those in all virtual hosts that the user may see."""

    version: str
    queues: int
    exchange_types: frozenset[str] | None
    """The types of exchange that it can make; None if it does not list them."""
    cluster: str | None = None
    node: str | None = None


def path(*segments: str) -> str:
    """Join segments to a path and percent-encode each. AdminAPI's `quote_plus` would turn a space into `+`."""
    return "/api/" + "/".join(quote(segment, safe="") for segment in segments)


class Management(AdminAPI):  # type: ignore[misc] # the package ships no types
    """The management API of one broker, as one user."""

    def __init__(self, settings: Settings) -> None:
        endpoint = settings.management
        super().__init__(
            url=endpoint.base_url + settings.management_path,
            auth=(endpoint.user.encode(), endpoint.password.encode()),
        )
        self.settings = settings
        self.session = bounded.session()
        self._options = {"timeout": settings.timeout, "allow_redirects": False, **_tls_options(settings)}

    def close(self) -> None:
        self.session.close()

    def overview(self) -> Overview:
        """Return the version, the number of queues, the exchange types, the cluster and the node of a broker.

        Raise `StrangeAnswer` if the answer has no version.
        """
        overview = self.get("overview", shape=answers.OVERVIEW, columns=_OVERVIEW, disable_stats="true")
        types = frozenset(item["name"] for item in overview.get("exchange_types", ()))
        queues = dict(overview.get("object_totals", ())).get("queues", 0)
        return Overview(
            overview["rabbitmq_version"],
            queues,
            types or None,
            overview.get("cluster_name"),
            overview.get("node"),
        )

    def get(self, *segments: str, shape: Shape = ANYTHING, **query: str) -> Any:
        """Return the JSON at a path, which has this shape.

        Raise `BrokerError` with the broker's reason, and `StrangeAnswer` for JSON of another shape.
        """
        answer = self._api_get(path(*segments), params=query)
        self._insist(answer, shape, segments)
        return answer

    def _insist(self, answer: Any, shape: Shape, segments: Sequence[str]) -> None:
        if found := fault_in(answer, shape):
            raise faults.strange_answer(path(*segments), str(found), self.settings)

    def failed_check(self, *segments: str, shape: Shape) -> Any:
        """Return the JSON with which a health check fails; None if it passes. Raise as `get` does."""
        place = ("health", "checks", *segments)
        response = self._send("GET", url=self.url + path(*place), auth=self.auth)
        if response.status_code == requests.codes.service_unavailable and faults.is_json(response):
            answer = self._decoded(response)
            if isinstance(answer, dict) and answer.get("status") == "failed":
                self._insist(answer, shape, place)
                return answer
        self._raise_for(response)
        return None

    def clock_ahead(self) -> float | None:
        """Return the seconds that the broker's clock is ahead of this machine's; None if it tells no time.

        RabbitMQ tells whole seconds.
        """
        began = time.time()
        response = self._request("GET", url=self.url + path("whoami"), auth=self.auth)
        between = (began + time.time()) / 2
        try:
            told = parsedate_to_datetime(response.headers["date"]).timestamp()
        except (KeyError, ValueError, OverflowError):
            return None
        return told + 0.5 - between

    def put(self, *segments: str, body: object) -> bool:
        """Create the resource at a path, or update it; return True if it is new."""
        response: requests.Response = self._api_put(path(*segments), data=body)
        return bool(response.status_code == requests.codes.created)

    def post(self, *segments: str, body: object) -> None:
        """Add a resource to the collection at a path."""
        self._api_post(path(*segments), data=body)

    def delete(self, *segments: str, **query: str) -> None:
        self._api_delete(path(*segments), params=query)

    def _get(self, **kwargs: Any) -> Any:
        return self._decoded(self._request("GET", **kwargs))

    def _decoded(self, response: requests.Response) -> Any:
        """Return the JSON of an answer."""
        try:
            return answers.decode(response.content)
        except answers.Unreadable as error:
            if not faults.is_json(response):
                raise faults.not_json(response, self.settings) from error
            place = urlsplit(response.url).path.removeprefix(urlsplit(self.url).path)
            raise faults.strange_answer(place, str(error), self.settings) from error

    def _api_put(self, url: str, **kwargs: Any) -> requests.Response:
        return self._request("PUT", url=self.url + url, auth=self.auth, json=kwargs["data"])

    def _post(self, **kwargs: Any) -> None:
        self._request("POST", json=kwargs.pop("data"), **kwargs)

    def _delete(self, **kwargs: Any) -> None:
        self._request("DELETE", **kwargs)

    def _request(self, method: str, **kwargs: Any) -> requests.Response:
        """Send a request; raise `BrokerError` if it is refused."""
        response = self._send(method, **kwargs)
        self._raise_for(response)
        return response

    def _raise_for(self, response: requests.Response) -> None:
        if response.status_code >= requests.codes.multiple_choices:
            raise faults.from_response(response, self.settings)

    def _send(self, method: str, **kwargs: Any) -> requests.Response:
        """Send a request and log it if that is wanted; raise `BrokerError` without an answer."""
        if not request_log.is_on():
            return self._send_twice(method, **kwargs)
        with request_log.timed_request(method, kwargs["url"]) as note:
            response = self._send_twice(method, **kwargs)
            note(response)
        return response

    def _send_twice(self, method: str, **kwargs: Any) -> requests.Response:
        """Send a request. Send it again if it fails because the kept-alive connection was closed."""
        kwargs |= self._options
        with bounded.within(self.settings.timeout):
            try:
                try:
                    return self._send_once(method, **kwargs)
                except requests.exceptions.ConnectionError as error:
                    useless = isinstance(error, requests.exceptions.SSLError | requests.exceptions.ConnectTimeout)
                    if useless or bounded.is_over():
                        raise
                    return self._send_once(method, **kwargs)
            except bounded.TooLarge as error:
                raise faults.too_large(kwargs["url"], answers.MAX_BYTES, self.settings) from error
            except (requests.exceptions.RequestException, LocationParseError, ValueError) as error:
                # requests lets some errors of urllib3 and of Python about the URL of a proxy through
                raise faults.from_requests(error, self.settings, is_late=bounded.is_over()) from error

    def _send_once(self, method: str, **kwargs: Any) -> requests.Response:
        response = self.session.request(method, stream=True, **kwargs)
        bounded.read_whole(response, answers.MAX_BYTES)
        return response


def _tls_options(settings: Settings) -> dict[str, Any]:
    """Return the TLS options of each request. On the session, REQUESTS_CA_BUNDLE would override `verify`."""
    tls, options = settings.tls, dict[str, Any]()
    if tls.ca_file:
        options["verify"] = str(tls.ca_file)
    if tls.cert_file:
        options["cert"] = (str(tls.cert_file), str(tls.key_file or tls.cert_file))
    return options
