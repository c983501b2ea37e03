"""HTTP requests to the management API: rabbitmq-admin's AdminAPI, extended. This module knows no topology.

The extensions are one kept-alive session with time-outs and TLS, percent-encoded path segments, requests to every
path of the API, the broker's own reason in errors, and the next host when one is gone. Every request that is sent
here may be made twice: a second PUT, DELETE or POST of a binding changes nothing more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit

import requests
from rabbitmq_admin import AdminAPI
from urllib3.exceptions import LocationParseError

from attune_infra.broker import answers, request_log
from attune_infra.broker.failures import faults
from attune_infra.broker.failures.majority import is_about_time, without_majority
from attune_infra.broker.failures.retrying import Tried, send_patiently
from attune_infra.broker.hosts import Failed, hosts_of, is_made_from
from attune_infra.broker.http import bounded
from attune_infra.broker.shapes import ANYTHING, Shape, fault_in
from attune_infra.errors import BrokerError, BrokerUnreachable, LoginRefused
from attune_infra.settings import Endpoint, Settings

_T = TypeVar("_T")
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


class _Gone(Exception):
    """A host is gone: it did not take a request, or ended the connection in place of an answer."""

    def __init__(self, error: BrokerError) -> None:
        super().__init__(str(error))
        self.error = error


class Management(AdminAPI):  # type: ignore[misc] # the package ships no types
    """The management API of one broker, as one user."""

    def __init__(self, settings: Settings) -> None:
        endpoint = settings.management
        super().__init__(url=settings.management_path, auth=(endpoint.user.encode(), endpoint.password.encode()))
        self.settings = settings
        self._hosts = hosts_of(endpoint)
        self._answered: set[Endpoint] = set()
        self._first: Overview | None = None
        """The node that told first who it is."""
        self._met: set[Endpoint] = set()
        """Hosts of the cluster of the first node."""
        self.session = bounded.session()
        self._done = 0
        """Requests that went well."""
        self._options = {"timeout": settings.timeout, "allow_redirects": False, **_tls_options(settings)}

    def close(self) -> None:
        self.session.close()

    @property
    def has_other_hosts(self) -> bool:
        """True if another host may answer, which must then be of the same cluster."""
        return bool(self._hosts.others)

    def overview(self) -> Overview:
        """Return the version, the number of queues, the exchange types, the cluster and the node of a broker.

        Raise `StrangeAnswer` if the answer has no version.
        """
        overview = self.get("overview", shape=answers.OVERVIEW, columns=_OVERVIEW, disable_stats="true")
        types = frozenset(item["name"] for item in overview.get("exchange_types", ()))
        queues = dict(overview.get("object_totals", ())).get("queues", 0)
        found = Overview(
            overview["rabbitmq_version"],
            queues,
            types or None,
            overview.get("cluster_name"),
            overview.get("node"),
        )
        if self._first is None:
            self._first = found
            self._met.add(self._hosts.current)
        return found

    def get(self, *segments: str, shape: Shape = ANYTHING, **query: str) -> Any:
        """Return the JSON at a path, which has this shape.

        Raise `BrokerError` with the broker's reason, and `StrangeAnswer` for JSON of another shape.
        """
        answer = self._api_get(path(*segments), params=query)
        self._insist(answer, shape, segments)
        return answer

    def get_list(
        self, *segments: str, shape: Shape, read: Callable[[Sequence[Any]], list[_T]], **query: str
    ) -> list[_T]:
        """Return what `read` makes of the items of a list, which are never all in memory; raise as `get` does."""

        def decode(body: bytes) -> list[_T]:
            found = answers.read_in_shares(body, shape, read)
            if found is None:
                answer = answers.decode(body)
                self._insist(answer, shape, segments)
                found = read(answer)
            return found

        found: list[_T] = self._api_get(path(*segments), params=query, decode=decode)
        return found

    def _insist(self, answer: Any, shape: Shape, segments: Sequence[str]) -> None:
        if found := fault_in(answer, shape):
            raise faults.strange_answer(path(*segments), str(found), self.settings)

    def failed_check(self, *segments: str, shape: Shape) -> Any:
        """Return the JSON with which a health check fails; None if it passes. Raise as `get` does."""
        place = ("health", "checks", *segments)
        response, tried = self._send("GET", is_final=_is_failed_check, url=self.url + path(*place), auth=self.auth)
        if _is_failed_check(response):
            answer = self._decoded(response)
            if isinstance(answer, dict) and answer.get("status") == "failed":
                self._insist(answer, shape, place)
                return answer
        self._raise_for(response, tried)
        return None

    def clock_ahead(self) -> float | None:
        """Return the seconds that the broker's clock is ahead of this machine's; None if it tells no time.

        RabbitMQ tells whole seconds.
        """
        began = time.monotonic()
        response = self._request("GET", url=self.url + path("whoami"), auth=self.auth)
        between = time.time() - (time.monotonic() - began) / 2
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

    def _get(self, *, decode: Callable[[bytes], Any] = answers.decode, **kwargs: Any) -> Any:
        return self._decoded(self._request("GET", **kwargs), decode)

    def _decoded(self, response: requests.Response, decode: Callable[[bytes], Any] = answers.decode) -> Any:
        """Return the JSON of an answer."""
        try:
            return decode(response.content)
        except answers.Unreadable as error:
            if not faults.is_json(response):
                raise faults.not_json(response, self.settings) from error
            place = urlsplit(response.url).path.removeprefix(self.settings.management_path)
            raise faults.strange_answer(place, str(error), self.settings) from error

    def _api_put(self, url: str, **kwargs: Any) -> requests.Response:
        return self._request("PUT", url=self.url + url, auth=self.auth, json=kwargs["data"])

    def _post(self, **kwargs: Any) -> None:
        self._request("POST", json=kwargs.pop("data"), **kwargs)

    def _delete(self, **kwargs: Any) -> None:
        self._request("DELETE", **kwargs)

    def _request(self, method: str, **kwargs: Any) -> requests.Response:
        """Send a request; raise `BrokerError` if it is refused."""
        try:
            response, tried = self._send(method, **kwargs)
        except BrokerUnreachable as error:
            if method != "GET" and (found := without_majority(self.settings)):
                raise found from error
            raise
        self._raise_for(response, tried)
        self._done += 1
        return response

    def _raise_for(self, response: requests.Response, tried: Tried) -> None:
        if response.status_code >= requests.codes.multiple_choices:
            error = faults.from_response(response, self.settings, tried, answered=self._done)
            if response.request.method != "GET" and is_about_time(error.sentence):
                error = without_majority(self.settings) or error
            is_login = isinstance(error, LoginRefused)
            raise self._hosts.refused_by(self._hosts.current, error) if is_login else error

    def _send(
        self, method: str, *, is_final: Callable[[requests.Response], bool] = lambda _: False, **kwargs: Any
    ) -> tuple[requests.Response, Tried]:
        """Send a request, again if its answer may be another one soon; raise `BrokerError` without an answer."""
        seconds = self.settings.timeout
        with nullcontext() if self._hosts.others else bounded.within(seconds):
            return send_patiently(
                method, lambda: self._ask_hosts(method, **kwargs), seconds=seconds, is_final=is_final
            )

    def _ask_hosts(self, method: str, **kwargs: Any) -> requests.Response:
        """Return the answer of the first host that has one; raise `BrokerError` if none has."""
        failed: list[Failed] = []
        for host in (self._hosts.current, *self._hosts.others):
            try:
                self._meet(host)
                response = self._send_to(host, method, **kwargs)
            except _Gone as gone:
                failed.append((host, gone.error))
                continue
            if self._hosts.others and (error := self._not_ready(host, response)):
                failed.append((host, error))
                continue
            self._answered.add(host)
            self._hosts.chosen(host, failed)
            return response
        raise self._hosts.no_answer(failed)

    def meet(self, host: Endpoint) -> None:
        """Raise `WrongTarget` if a host is of another cluster than the first one, `BrokerError` if it fails."""
        try:
            self._meet(host)
        except _Gone as gone:
            raise gone.error from gone

    def _meet(self, host: Endpoint) -> None:
        """Ask a host for its cluster before it gets anything else."""
        if self._first is None or host in self._met:
            return
        response = self._asked(host, "overview", "cluster_name,node")
        if response.status_code != requests.codes.ok:
            error = faults.from_response(response, replace(self.settings, management=host))
            raise _Gone(error) if isinstance(error, BrokerUnreachable) else error
        found = self._decoded(response)
        self._insist(found, answers.NAMES_OF_NODE, ("overview",))
        cluster, node = found.get("cluster_name"), found.get("node")
        if not self._are_of_one_cluster(host, cluster, node):
            first = f"node {self._first.node} of '{self._first.cluster}'"
            raise faults.another_cluster(host, f"node {node} of '{cluster}'", first)
        self._met.add(host)

    def _are_of_one_cluster(self, host: Endpoint, cluster: str | None, node: str | None) -> bool:
        """Return True if another node belongs to the cluster of the first one, as its list of nodes says.

        A user who may not see that is believed if both tell one name for the cluster, or if both have made up a
        name, as each node does without `rabbitmqctl set_cluster_name`.
        """
        assert self._first is not None  # noqa: S101 - for mypy
        response = self._asked(host, "nodes", "name")
        if response.status_code == requests.codes.ok:
            members = self._decoded(response)
            self._insist(members, answers.NAMES, ("nodes",))
            return self._first.node in {each["name"] for each in members}
        first = self._first
        return cluster == first.cluster or (
            is_made_from(cluster, node) and is_made_from(first.cluster, first.node)
        )

    def _asked(self, host: Endpoint, what: str, columns: str) -> requests.Response:
        """Return the answer of this very host."""
        query = {"columns": columns, "disable_stats": "true"}
        response = self._send_to(host, "GET", url=self.url + path(what), auth=self.auth, params=query)
        self._answered.add(host)
        return response

    def _not_ready(self, host: Endpoint, response: requests.Response) -> BrokerError | None:
        """Return the error for a host that answers without being ready, as a node does while it starts."""
        if response.status_code < requests.codes.server_error or _is_failed_check(response):
            return None
        error = faults.from_response(response, replace(self.settings, management=host))
        return error if isinstance(error, BrokerUnreachable) else None

    def _send_to(self, host: Endpoint, method: str, **kwargs: Any) -> requests.Response:
        """Send a request and log it if that is wanted; raise `BrokerError` or `_Gone` without an answer."""
        kwargs["url"] = host.base_url + kwargs["url"]
        if not request_log.is_on():
            return self._send_twice(host, method, **kwargs)
        with request_log.timed_request(method, kwargs["url"]) as note:
            response = self._send_twice(host, method, **kwargs)
            note(response)
        return response

    def _send_twice(self, host: Endpoint, method: str, **kwargs: Any) -> requests.Response:
        """Send a request. Send it again if the connection was closed, before the answer or in the middle of it."""
        kwargs = kwargs | self._options
        settings = replace(self.settings, management=host)
        with bounded.within(settings.timeout):
            try:
                try:
                    return self._send_once(method, **kwargs)
                except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
                    useless = isinstance(error, requests.exceptions.SSLError | requests.exceptions.ConnectTimeout)
                    if useless or bounded.is_over():
                        raise
                    return self._send_once(method, **kwargs)
            except bounded.TooLarge as error:
                raise faults.too_large(kwargs["url"], answers.MAX_BYTES, settings) from error
            except (requests.exceptions.RequestException, LocationParseError, ValueError) as error:
                # requests lets some errors of urllib3 and of Python about the URL of a proxy through
                found = faults.from_requests(error, settings, is_late=bounded.is_over())
                if isinstance(found, BrokerUnreachable) and self._hosts.others and self._is_gone(host, error):
                    raise _Gone(found) from error
                raise found from error

    def _is_gone(self, host: Endpoint, error: Exception) -> bool:
        """Return True if a host cannot be connected to, or has ended the connection.

        A request that only gets no answer in time may be slow anywhere, so it stays with its host, unless that is
        the first request of all.
        """
        if isinstance(error, requests.exceptions.ConnectTimeout):
            return True
        if isinstance(error, requests.exceptions.Timeout) or bounded.is_over():
            return host not in self._answered
        return isinstance(error, requests.exceptions.ConnectionError | requests.exceptions.ChunkedEncodingError)

    def _send_once(self, method: str, **kwargs: Any) -> requests.Response:
        response = self.session.request(method, stream=True, **kwargs)
        bounded.read_whole(response, answers.MAX_BYTES)
        return response


def _is_failed_check(response: requests.Response) -> bool:
    """Return True for the answer of a health check that fails: the only 503 that is JSON."""
    return response.status_code == requests.codes.service_unavailable and faults.is_json(response)


def _tls_options(settings: Settings) -> dict[str, Any]:
    """Return the TLS options of each request. On the session, REQUESTS_CA_BUNDLE would override `verify`."""
    tls, options = settings.tls, dict[str, Any]()
    if tls.ca_file:
        options["verify"] = str(tls.ca_file)
    if tls.cert_file:
        options["cert"] = (str(tls.cert_file), str(tls.key_file or tls.cert_file))
    return options
