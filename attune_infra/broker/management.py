"""HTTP requests to the management API: rabbitmq-admin's AdminAPI, extended. This module knows no topology.

The extensions are one kept-alive session with time-outs and TLS, percent-encoded path segments, requests to every
path of the API, and the broker's own reason in errors.
"""

from __future__ import annotations

import time
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import requests
from rabbitmq_admin import AdminAPI

from attune_infra.broker import faults
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
        self.session = requests.Session()
        self._options = {"timeout": settings.timeout, "allow_redirects": False, **_tls_options(settings)}

    def close(self) -> None:
        self.session.close()

    def overview(self) -> Overview:
        """Return the version, the number of queues, the exchange types, the cluster and the node of a broker.

        Raise `NotRabbitMQ` if the answer has no version.
        """
        overview = self.get("overview", columns=_OVERVIEW, disable_stats="true")
        version = overview.get("rabbitmq_version") if isinstance(overview, dict) else None
        if not isinstance(version, str):
            raise faults.not_overview(self.settings)
        types = frozenset(item["name"] for item in overview.get("exchange_types", ()))
        queues = overview.get("object_totals", {}).get("queues", 0)
        return Overview(version, queues, types or None, overview.get("cluster_name"), overview.get("node"))

    def get(self, *segments: str, **query: str) -> Any:
        """Return the JSON at a path; raise `BrokerError` with the broker's reason."""
        return self._api_get(path(*segments), params=query)

    def failed_check(self, *segments: str) -> Any:
        """Return the JSON with which a health check fails; None if it passes. Raise as `get` does."""
        response = self._send("GET", url=self.url + path("health", "checks", *segments), auth=self.auth)
        if response.status_code == requests.codes.service_unavailable:
            with suppress(requests.exceptions.JSONDecodeError):
                answer = response.json()
                if isinstance(answer, dict) and answer.get("status") == "failed":
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
        except (KeyError, ValueError):
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
        response = self._request("GET", **kwargs)
        try:
            return response.json()
        except requests.exceptions.JSONDecodeError as error:
            raise faults.not_json(response, self.settings) from error

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
        """Send a request. Send it again if it fails because the kept-alive connection was closed."""
        kwargs |= self._options
        try:
            try:
                response = self.session.request(method, **kwargs)
            except requests.exceptions.ConnectionError as error:
                if isinstance(error, requests.exceptions.SSLError | requests.exceptions.ConnectTimeout):
                    raise
                response = self.session.request(method, **kwargs)
        except requests.exceptions.RequestException as error:
            raise faults.from_requests(error, self.settings) from error
        return response


def _tls_options(settings: Settings) -> dict[str, Any]:
    """Return the TLS options of each request. On the session, REQUESTS_CA_BUNDLE would override `verify`."""
    tls, options = settings.tls, dict[str, Any]()
    if tls.ca_file:
        options["verify"] = str(tls.ca_file)
    if tls.cert_file:
        options["cert"] = (str(tls.cert_file), str(tls.key_file or tls.cert_file))
    return options
