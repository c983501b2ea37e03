"""Failures of HTTP and AMQP as errors of our own, in RabbitMQ's words. Foreign exceptions stop here."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from shlex import quote
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attune_infra.broker.failures.alarm import Blocked, blocked
from attune_infra.broker.failures.majority import is_about_time, without_majority
from attune_infra.broker.failures.not_ready import PROXY_BETWEEN, not_ready, with_tries
from attune_infra.broker.failures.permissions import set_tag, unauthorized, vhost_hint, write_hint
from attune_infra.broker.failures.refusal import Code, Refusal, refusal_of
from attune_infra.broker.failures.web_pages import page_in
from attune_infra.broker.hosts import attempt, current
from attune_infra.errors import (
    AccessRefused,
    BrokerError,
    BrokerUnreachable,
    InUse,
    LoginRefused,
    NoMajority,
    NotRabbitMQ,
    QueueDenied,
    QueueUnavailable,
    RequestRefused,
    StrangeAnswer,
    VirtualHostMissing,
    WrongTarget,
)
from attune_infra.topology.facts import features
from attune_infra.topology.facts.permissions import Tag, User
from attune_infra.topology.facts.releases import NEWEST, OLDEST, version_text
from attune_infra.topology.permissions.lacks import grants
from attune_infra.topology.permissions.needs import Entry, Need

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests

    from attune_infra.broker.failures.retrying import Tried
    from attune_infra.settings import Endpoint, Settings

_BOOTING = "is the broker still starting? `--wait 60` waits for it"
_NODE_DOWN = (
    "its node is probably down, and the queue returns with it; if the node is lost for good, let the others"
    " forget it and its queues: rabbitmqctl forget_cluster_node NODE"
)
_PROBE_SECONDS = 2.0
_PROXY = "check HTTP_PROXY and HTTPS_PROXY, or exclude the host with NO_PROXY"
_MAX_REASON = 2000

_CERTIFICATE_HINTS = {
    9: "is the clock of this machine right? If so, wait, or have the broker's certificate issued anew",
    10: "have the broker's certificate renewed; is the clock of this machine right?",
    18: "give the certificate itself as --ca-file, or have it issued by an authority",
    62: "connect to a host name that the certificate is valid for",
    64: "connect to a host name or address that the certificate is valid for",
}
"""Hints for OpenSSL's codes X509_V_ERR_CERT_NOT_YET_VALID, CERT_HAS_EXPIRED, DEPTH_ZERO_SELF_SIGNED_CERT,
HOSTNAME_MISMATCH and IP_ADDRESS_MISMATCH."""


def from_response(
    response: requests.Response, settings: Settings, tried: Tried | None = None, *, answered: int = 0
) -> BrokerError:
    """Return the error for an unsuccessful answer of the management API.

    `tried` are the tries of the request, and `answered` the requests before it that went well.
    """
    where = current(settings.management).base_url
    reason = _reason(response)
    match response.status_code:
        case 401:
            return unauthorized(reason, settings, page=page_in(response), answered=answered)
        case 404 if reason is None:
            return _no_management_path(response, settings)
        case 404 if reason in {"Not Found", "not_found", "vhost_not_found"}:
            return virtual_host_missing(settings)
        case 400 if feature := features.denied_in(reason or ""):
            return features.denied(feature)
        case 400 if (reason or "").endswith(("not empty", "in use")):
            return InUse(_answer(response, reason, tried))
        case 429 | 502 | 503 | 504:
            return not_ready(response, settings, tried, hint=_BOOTING)
        case 500 if reason is None and response.request.method == "GET":
            if "/api/bindings/" in response.request.path_url and not page_in(response):
                return _bindings_unreadable(settings)
            # RabbitMQ 4.3 gives this answer while it boots.
            hint = f"{_BOOTING}; if it is not, see RabbitMQ's log"
            return BrokerUnreachable(_answer(response, reason, tried), hint=hint)
        case 301 | 302 | 303 | 307 | 308 as status:
            target = response.headers.get("location", "elsewhere")
            return NotRabbitMQ(
                f"{where} answered {status}, a redirection to {target}",
                hint="give the address of the management API itself as --management-url",
            )
        case _:
            remedy = PROXY_BETWEEN if page_in(response) else "see RabbitMQ's log"
            return RequestRefused(_answer(response, reason, tried), hint=None if reason else remedy)


def _answer(response: requests.Response, reason: str | None, tried: Tried | None) -> str:
    """Return the sentence about an answer, with its reason or else its reason phrase; both may be missing."""
    page = page_in(response)
    words = reason or (f"{response.reason}, with {page}" if page else response.reason)
    sentence = f"the management API answered {response.status_code}"
    return with_tries(f"{sentence}: {words}" if words else sentence, tried)


def _no_management_path(response: requests.Response, settings: Settings) -> NotRabbitMQ:
    page = page_in(response)
    content = f"with {page}" if page else "without a reason"
    return NotRabbitMQ(
        f"{current(settings.management).base_url} answered 404 {content}; it does not look like RabbitMQ's"
        " management API",
        hint="check --management-url; is a path prefix of a proxy missing?",
    )


def no_throwaway(settings: Settings) -> AccessRefused:
    """Return the error for a temporary virtual host that may not be made: only administrators may."""
    user = settings.management.user
    return AccessRefused(
        f"user '{user}' may not make a virtual host: the administrator tag is missing",
        hint=f"leave out --probe, or run it as an administrator: {set_tag(user, Tag.ADMINISTRATOR)}",
    )


def left_behind(virtual_host: str, error: BrokerError) -> BrokerError:
    """Return the error for a temporary virtual host that was not removed."""
    return BrokerError(
        f"virtual host '{virtual_host}' could not be removed: {error.sentence}",
        hint=f"it is no longer needed, delete it: rabbitmqctl delete_vhost {quote(virtual_host)}",
    )


def virtual_host_missing(settings: Settings) -> VirtualHostMissing:
    """Return the error for a virtual host that is missing, or closed to this user: not all brokers say which."""
    return VirtualHostMissing(
        f"there is no virtual host '{settings.virtual_host}', or user '{settings.management.user}' has no"
        " permissions in it",
        hint=f"{vhost_hint(settings, settings.management.user)}; or put another one at the end of the AMQP URL",
    )


def _bindings_unreadable(settings: Settings) -> RequestRefused:
    """Return the error for a list of bindings that crashes RabbitMQ: seen on 3.10, 4.0 and 4.3."""
    vhost = settings.virtual_host
    return RequestRefused(
        f"the management API answered 500 when asked for the bindings of virtual host '{vhost}'",
        hint="this is a bug of RabbitMQ: a binding with arguments has a `~` before another character in its"
        f" routing key; find it with `rabbitmqctl list_bindings -p {quote(vhost)}` and unbind it over AMQP",
    )


def another_cluster(host: Endpoint, here: str, first: str) -> WrongTarget:
    """Return the error for a host of a URL whose node and cluster are not those of the first host."""
    return WrongTarget(
        f"the hosts of one URL are of two clusters: {host.base_url} is {here}, the first one is {first};"
        " nothing was changed there",
        hint="a URL with several hosts names the nodes of one cluster; if they are, let an administrator name it:"
        " rabbitmqctl set_cluster_name NAME",
    )


def not_json(response: requests.Response, settings: Settings) -> NotRabbitMQ:
    """Return the error for an answer that is not JSON."""
    kind = response.headers.get("content-type", "something without a content type").split(";")[0]
    if page := page_in(response):
        kind = f"with {page}"
    return _not_management(f"answered {kind}, not JSON", settings)


def is_json(response: requests.Response) -> bool:
    """Return True if an answer says that it is JSON."""
    return "json" in response.headers.get("content-type", "")


def strange_answer(path: str, why: str, settings: Settings) -> StrangeAnswer:
    """Return the error for an answer to GET that is not what RabbitMQ answers there."""
    return StrangeAnswer(
        f"answer of GET {path}: {why}",
        hint=f"is {current(settings.management).base_url} RabbitMQ's management API, of a release from"
        f" {version_text(OLDEST)} to {version_text(NEWEST)}? does a proxy in between change its answers?",
    )


def too_large(url: str, most: int, settings: Settings) -> StrangeAnswer:
    """Return the error for an answer that does not end."""
    return strange_answer(urlsplit(url).path, f"it has more than {most >> 20} MiB", settings)


def _not_management(what: str, settings: Settings) -> NotRabbitMQ:
    return NotRabbitMQ(
        f"{current(settings.management).base_url} {what}; it is not RabbitMQ's management API",
        hint="the management API listens on port 15672 by default; check --management-url",
    )


def from_requests(error: Exception, settings: Settings, *, is_late: bool = False) -> BrokerError:
    """Return the error for a failed HTTP request; `is_late` if it has used up its time."""
    import requests

    endpoint = current(settings.management)
    what = attempt(endpoint)
    if isinstance(error, requests.exceptions.SSLError):
        return _tls_failure(what, error, endpoint)
    if isinstance(error, requests.exceptions.Timeout):
        return BrokerUnreachable(f"{what}: no answer within {settings.timeout:g} s", hint=_BOOTING)
    if is_late:
        return BrokerUnreachable(
            f"{what}: its answer did not end within {settings.timeout:g} s",
            hint="`--timeout` gives a slow broker or line more time",
        )
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return BrokerUnreachable(f"{what}: its answer broke off, twice", hint=PROXY_BETWEEN)
    if isinstance(error, requests.exceptions.ProxyError):
        return BrokerUnreachable(f"{what} through the proxy: {reason_of_os(_cause(error))}", hint=_PROXY)
    if isinstance(error, ValueError):  # the management URL was checked before
        return BrokerUnreachable(f"{what} through the proxy: the URL of the proxy is not valid", hint=_PROXY)
    return _unreachable(what, endpoint, _cause(error), wanted="http")


def from_amqp_connect(error: Exception, settings: Settings) -> BrokerError:
    """Return the error for an AMQP connection that failed or broke."""
    import amqp

    endpoint = current(settings.amqp)
    what = attempt(endpoint)
    match error:
        case Blocked():
            return blocked(str(error), settings)
        case TimeoutError() | amqp.AMQPError() if found := unanswered(error, settings):
            return found
        case ssl.SSLError():
            return _tls_failure(what, error, endpoint)
        case amqp.exceptions.AccessRefused():
            return LoginRefused(
                f"RabbitMQ refused the login of user '{endpoint.user}'",
                hint="check user and password in the AMQP URL; 'guest' may only log in from the"
                " broker's own host; RabbitMQ's log has the reason",
            )
        case amqp.exceptions.NotAllowed():
            return VirtualHostMissing(
                f"RabbitMQ refused virtual host '{settings.virtual_host}': {refusal_of(error).text}",
                hint=vhost_hint(settings, endpoint.user),
            )
        case amqp.AMQPError():
            return BrokerUnreachable(f"{what}: {refusal_of(error).text}", hint=_BOOTING)
        case _:
            return _unreachable(what, endpoint, error, wanted="amqp")


def unanswered(error: Exception, settings: Settings) -> NoMajority | None:
    """Return the error for a lost majority if that is the reason of a failure: of no answer in time, over AMQP."""
    if isinstance(error, TimeoutError) or is_about_time(refusal_of(error).text):
        return without_majority(settings)
    return None


def not_published(error: Exception, exchange: str, routing_key: str, settings: Settings) -> RequestRefused:
    """Return the error for a message that the broker refused."""
    import amqp

    if isinstance(error, amqp.exceptions.MessageNacked):
        return RequestRefused(
            f"RabbitMQ did not take the message for exchange {exchange}: it answered with a nack",
            hint="a queue is full, or its node is down; the message was not stored",
        )
    refusal = refusal_of(error)
    hint = "`attune-infra setup` creates the exchange"
    if refusal.code is Code.FORBIDDEN:
        hint = write_hint(exchange, routing_key, settings)
    return RequestRefused(f"cannot publish to exchange {exchange}: {refusal.text}", hint=hint)


def queue_denied(
    what: str, refusal: Refusal, worker_id: int, needs: Iterable[Need], settings: Settings
) -> BrokerError:
    """Return the error for an object that the broker refuses to a worker with these needs."""
    sentence = f"worker {worker_id} was denied {what}: {refusal.text}"
    user = User(name=settings.amqp.user, virtual_host=settings.virtual_host)
    match refusal.code:
        case Code.NO_MAJORITY:
            return NoMajority(sentence, hint="it goes on when they are back")
        case Code.UNAVAILABLE | Code.NO_ANSWER:  # RabbitMQ 4.3 searches for a lost queue for more than a minute
            return QueueUnavailable(sentence, hint=_NODE_DOWN)
        case Code.LOCKED:
            hint = "another connection holds a queue of that name: is an older worker still running?"
        case Code.DIFFERS:
            hint = (
                f"the existing object differs; `attune-infra worker verify --id {worker_id}` names each"
                f" difference, `attune-infra worker deprovision --id {worker_id}` deletes the queue if it is empty"
            )
        case Code.FORBIDDEN:
            hint = (
                f"user '{user.name}' needs {', '.join(str(need) for need in needs if need.what != Entry())}:"
                f" {'; '.join(grants(needs, user))}, with its other permissions"
            )
        case Code.FEATURE_DENIED if refusal.feature:
            hint = features.denied(refusal.feature).hint or ""
        case _:
            return BrokerUnreachable(sentence, hint="see RabbitMQ's log")
    return QueueDenied(sentence, hint=hint)


def _reason(response: requests.Response) -> str | None:
    from attune_infra.broker.answers import Unreadable, decode
    from attune_infra.broker.failures.plain_words import plain_words

    with suppress(Unreadable):
        body = decode(response.content)
        if isinstance(body, dict) and body.get("reason"):
            reason = body["reason"]
            words = ", ".join(map(str, reason)) if isinstance(reason, list) else str(reason)
            return plain_words(words if len(words) <= _MAX_REASON else f"{words[:_MAX_REASON]}...")
    return None


def _unreachable(what: str, endpoint: Endpoint, error: BaseException, *, wanted: str) -> BrokerError:
    match error:
        case socket.gaierror():
            return BrokerUnreachable(f"{what}: host '{endpoint.host}' has no address", hint="check its name")
        case ConnectionRefusedError():
            return BrokerUnreachable(
                f"{what}: nothing listens on port {endpoint.port}", hint=f"check host and port; {_BOOTING}"
            )
    listens = protocol_of(endpoint)
    if listens is not None and listens != wanted:
        return NotRabbitMQ(
            f"{what}: port {endpoint.port} speaks {listens.upper()}, not {wanted.upper()}",
            hint=_other_port(listens, wanted),
        )
    reason = "no answer in time" if isinstance(error, TimeoutError) else reason_of_os(error)
    return BrokerUnreachable(f"{what}: {reason}", hint=_BOOTING)


def _other_port(listens: str, wanted: str) -> str:
    if listens == "tls":
        return f"for a TLS port write {'amqps' if wanted == 'amqp' else 'https'}://"
    if wanted == "amqp":
        return "AMQP listens on port 5672 by default; 15672 is the management API"
    return "the management API listens on port 15672 by default; 5672 is AMQP"


def reason_of_os(error: BaseException) -> str:
    """Return the operating system's words for an error, on one line."""
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(words).split())


def _tls_failure(what: str, error: Exception, endpoint: Endpoint) -> BrokerError:
    found = _cause(error)
    if isinstance(found, ssl.SSLCertVerificationError):
        return BrokerUnreachable(
            f"{what}: its certificate cannot be trusted: {found.verify_message.rstrip('.')}",
            hint=_CERTIFICATE_HINTS.get(found.verify_code, "give the certificate of its authority as --ca-file"),
        )
    reason = getattr(found, "reason", None) or str(found)
    return BrokerUnreachable(f"{what}: TLS failed: {reason}", hint=_tls_hint(reason, endpoint))


def _tls_hint(reason: str, endpoint: Endpoint) -> str:
    if reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}:
        return f"the port does not speak TLS: write {endpoint.scheme.removesuffix('s')}://, or give the TLS port"
    # A file that is not PEM has no reason, only words like "[SSL] PEM lib (_ssl.c:3905)".
    if reason in {"NO_CERTIFICATE_OR_CRL_FOUND", "KEY_VALUES_MISMATCH"} or "PEM lib" in reason:
        return "check the files given as --ca-file, --cert-file and --key-file"
    if "PROTOCOL" in reason:
        return "this program speaks TLS 1.2 and 1.3: allow one of them in RabbitMQ's ssl_options.versions"
    return "does the broker ask for a client certificate? give --cert-file and --key-file"


def _cause(error: BaseException) -> BaseException:
    """Return the operating system's error inside the wrappers of requests and urllib3."""
    seen: set[int] = set()
    found: BaseException = error
    while id(found) not in seen:
        seen.add(id(found))
        # The context is left out: during the second attempt of a request, it is the failure of the first.
        inner = [getattr(found, "reason", None), found.__cause__, *reversed(found.args)]
        found = next((item for item in inner if isinstance(item, BaseException)), found)
    return found


def protocol_of(endpoint: Endpoint) -> str | None:
    """Return the protocol of a port, `http`, `amqp` or `tls`; None if one question cannot tell."""
    address = (endpoint.host, endpoint.port)
    with suppress(OSError), socket.create_connection(address, _PROBE_SECONDS) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = connection.recv(5)
        for beginning, protocol in ((b"HTTP", "http"), (b"AMQP", "amqp"), (b"\x15\x03", "tls")):
            if answer.startswith(beginning):
                return protocol
    return None
