"""HTTP and AMQP failures in RabbitMQ's own words. Foreign exceptions stop here."""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from attune_infra.errors import (
    AccessRefused,
    BrokerError,
    BrokerUnreachable,
    FeatureDenied,
    LoginRefused,
    NotRabbitMQ,
    QueueDenied,
    QueueUnavailable,
    RequestRefused,
    VirtualHostMissing,
)

if TYPE_CHECKING:
    import requests

    from attune_infra.settings import Endpoint, Settings

_BOOTING = "is the broker still starting? `--wait 60` waits for it"
_NODE_DOWN = (
    "its node is probably down: it can be had again when that is back; if it is lost for good, have the others"
    " forget it, with its queues: rabbitmqctl forget_cluster_node NODE"
)
_SECONDS_FOR_PROBE = 2.0
_DENIED_FEATURE = re.compile(r"Feature `(\w+)` is (?:deprecated|removed)")

TRANSIENT_QUEUES = "transient_nonexcl_queues"
"""RabbitMQ's name for the deprecated feature of queues that are neither durable nor exclusive."""


def from_response(response: requests.Response, settings: Settings) -> BrokerError:
    """Return what an answer of the management API other than success means."""
    where = settings.management.base_url
    reason = _reason(response)
    match response.status_code:
        case 401:
            return _unauthorized(reason, settings)
        case 404 if reason is None:
            return NotRabbitMQ(
                f"{where} answered 404 without a reason; it does not look like RabbitMQ's management API",
                hint="give --management-url; does its path lack a prefix that a proxy wants?",
            )
        case 404 if reason in {"Not Found", "not_found", "vhost_not_found"}:
            return virtual_host_missing(settings)
        case 400 if denied := _DENIED_FEATURE.search(reason or ""):
            return feature_denied(denied[1])
        case 502 | 503 | 504:
            return BrokerUnreachable(
                f"{where} answered {response.status_code}: the management API is not ready", hint=_BOOTING
            )
        case 500 if reason is None and "/api/bindings/" in response.request.path_url:
            return _bindings_unreadable(settings)
        case 500 if reason is None and response.request.method == "GET":
            # RabbitMQ 4.3 answers so while it boots.
            return BrokerUnreachable(
                f"the management API answered 500: {response.reason}",
                hint=f"{_BOOTING}; if it is not, RabbitMQ's log tells more",
            )
        case 301 | 302 | 303 | 307 | 308 as status:
            target = response.headers.get("location", "elsewhere")
            return NotRabbitMQ(
                f"{where} answered {status}, a redirection to {target}",
                hint="give the address of the management API itself as --management-url",
            )
        case status:
            return RequestRefused(
                f"the management API answered {status}: {reason or response.reason}",
                hint=None if reason else "RabbitMQ's log tells more",
            )


def no_throwaway(settings: Settings) -> AccessRefused:
    """Return the failure of making a virtual host for a moment: only administrators may make one."""
    user = settings.management.user
    return AccessRefused(
        f"user '{user}' may not make a virtual host, which takes the administrator tag",
        hint=f"leave out --probe, or run it as an administrator: rabbitmqctl set_user_tags {user} administrator",
    )


def left_behind(virtual_host: str, error: BrokerError) -> BrokerError:
    """Return the failure of removing what was made for a moment."""
    return BrokerError(
        f"virtual host '{virtual_host}' could not be removed: {error.sentence}",
        hint=f"nobody needs it: rabbitmqctl delete_vhost '{virtual_host}'",
    )


def virtual_host_missing(settings: Settings) -> VirtualHostMissing:
    """Return the failure of a virtual host that is not there, or not for this user: not all brokers tell."""
    return VirtualHostMissing(
        f"there is no virtual host '{settings.virtual_host}', or user '{settings.management.user}' has no"
        " permissions in it",
        hint=f"{_vhost_hint(settings)}; or name another one at the end of the AMQP URL",
    )


def _bindings_unreadable(settings: Settings) -> RequestRefused:
    """Return the failure of a request for bindings that crashes inside RabbitMQ: 3.10, 4.0 and 4.3 all do."""
    vhost = settings.virtual_host
    return RequestRefused(
        f"the management API answered 500 when asked for the bindings of virtual host '{vhost}'",
        hint="RabbitMQ has a bug: it fails so once a binding with arguments has a `~` before another character in"
        f" its routing key; find it with `rabbitmqctl list_bindings -p '{vhost}'` and unbind it over AMQP",
    )


def feature_denied(feature: str) -> FeatureDenied:
    """Return the failure of a deprecated feature that this RabbitMQ does not allow to be used."""
    if feature != TRANSIENT_QUEUES:
        return FeatureDenied(
            f"this RabbitMQ denies the deprecated feature {feature}",
            hint=f"do without it, or have an administrator permit it: deprecated_features.permit.{feature} = true",
        )
    return FeatureDenied(
        f"this RabbitMQ denies queues that are neither durable nor exclusive (the deprecated feature {feature})",
        hint="give a topology whose worker queues are durable with an expiry, such as"
        " --topology examples/attune-durable-workers.yaml",
    )


def not_json(response: requests.Response, settings: Settings) -> NotRabbitMQ:
    """Return the failure of an answer that should have been JSON."""
    kind = response.headers.get("content-type", "something without a content type").split(";")[0]
    return _not_management(f"answered {kind}, not JSON", settings)


def not_overview(settings: Settings) -> NotRabbitMQ:
    """Return the failure of an answer that is JSON, but not what RabbitMQ tells of itself."""
    return _not_management("answered something else than RabbitMQ's overview", settings)


def _not_management(what: str, settings: Settings) -> NotRabbitMQ:
    return NotRabbitMQ(
        f"{settings.management.base_url} {what}; it is not RabbitMQ's management API",
        hint="the management API listens on port 15672 unless told otherwise; give --management-url",
    )


def from_requests(error: Exception, settings: Settings) -> BrokerError:
    """Return what a failure to talk HTTP means."""
    import requests

    endpoint = settings.management
    what = f"cannot reach the management API at {endpoint.base_url}"
    if isinstance(error, requests.exceptions.SSLError):
        return _tls_failure(what, error, endpoint)
    if isinstance(error, requests.exceptions.Timeout):
        return BrokerUnreachable(f"{what}: {no_answer(settings)}", hint=_BOOTING)
    if isinstance(error, requests.exceptions.InvalidURL):
        return NotRabbitMQ(f"{what}: not a valid address", hint="give --management-url http://HOST:15672")
    return _unreachable(what, endpoint, _cause(error), wanted="http")


def from_amqp_connect(error: Exception, settings: Settings) -> BrokerError:
    """Return what a failure to open an AMQP connection means."""
    import amqp

    endpoint = settings.amqp
    what = f"cannot open an AMQP connection to {endpoint.netloc}"
    match error:
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
                f"RabbitMQ refused virtual host '{settings.virtual_host}': {reason_of(error)}",
                hint=_vhost_hint(settings),
            )
        case amqp.AMQPError():
            return BrokerUnreachable(f"{what}: {reason_of(error)}", hint=_BOOTING)
        case _:
            return _unreachable(what, endpoint, error, wanted="amqp")


def not_published(error: Exception, exchange: str) -> RequestRefused:
    """Return the failure of a message that the broker did not take."""
    import amqp

    if isinstance(error, amqp.exceptions.MessageNacked):
        return RequestRefused(
            f"RabbitMQ did not take the message for exchange {exchange}: it answered with a nack",
            hint="a queue behind it is full, or its node is down; the message was not kept",
        )
    return RequestRefused(
        f"cannot publish to exchange {exchange}: {reason_of(error)}",
        hint="`attune-infra setup` makes the exchange; the user needs write permission on it",
    )


def queue_denied(what: str, reason: str, worker_id: int, settings: Settings) -> BrokerError:
    """Return the failure of a worker that the broker does not give its queue: 403, 404, 405, 406 or 541."""
    sentence = f"worker {worker_id} was denied {what}: {reason}"
    user = settings.amqp.user
    match reason.partition(" ")[0]:
        case "NOT_FOUND" if not reason.startswith("NOT_FOUND - no "):
            return QueueUnavailable(sentence, hint=_NODE_DOWN)
        case "RESOURCE_LOCKED":
            hint = "somebody else holds a queue of that name for itself: is an older worker still running?"
        case "PRECONDITION_FAILED":
            hint = (
                f"what is there was declared otherwise; `attune-infra worker verify --id {worker_id}` names each"
                f" difference, `attune-infra worker deprovision --id {worker_id}` deletes it if it is empty"
            )
        case "ACCESS_REFUSED":
            hint = (
                f"user '{user}' needs configure, write and read permission on it and on its exchange:"
                f" rabbitmqctl set_permissions -p '{settings.virtual_host}' {user} '.*' '.*' '.*'"
            )
        case _ if reason == feature_denied(TRANSIENT_QUEUES).sentence:
            hint = feature_denied(TRANSIENT_QUEUES).hint or ""
        case _ if reason == no_answer(settings):  # RabbitMQ 4.3 looks for a lost queue for more than a minute
            return QueueUnavailable(sentence, hint=_NODE_DOWN)
        case _:
            return BrokerUnreachable(sentence, hint="RabbitMQ's log tells more")
    return QueueDenied(sentence, hint=hint)


def no_answer(settings: Settings) -> str:
    """Return the reason for what the broker said nothing about."""
    return f"no answer within {settings.timeout:g} s"


def is_used(error: BrokerError) -> bool:
    """Return whether the broker refused to delete something because it is not empty or in use."""
    return error.sentence.endswith(("not empty", "in use"))


def reason_of(error: Exception) -> str:
    """Return the broker's own reason for closing a channel or connection."""
    text = getattr(error, "reply_text", None) or str(error) or type(error).__name__
    if denied := _DENIED_FEATURE.search(str(text)):
        return feature_denied(denied[1]).sentence
    return " ".join(str(text).split())


def _unauthorized(reason: str | None, settings: Settings) -> BrokerError:
    user = settings.management.user
    match reason:
        case "Not management user" | "Not monitor user" | "Not administrator user" | "Not policymaker user":
            return AccessRefused(
                f"user '{user}' may not use the management API: {reason}",
                hint=f"an administrator can grant it: rabbitmqctl set_user_tags {user} management",
            )
        case "User not authorised to access object":
            return AccessRefused(
                f"user '{user}' lacks the tag policymaker, without which nobody sets policies",
                hint=f"an administrator can grant it: rabbitmqctl set_user_tags {user} policymaker",
            )
        case "User not authorised to access virtual host":
            return VirtualHostMissing(
                f"user '{user}' has no permissions in virtual host '{settings.virtual_host}'",
                hint=_vhost_hint(settings),
            )
        case None | "Login failed" | "Not_Authorized":
            return LoginRefused(
                f"the management API refused the login of user '{user}'",
                hint="check user and password in the AMQP URL (or in --management-url, if it has its own);"
                " 'guest' may only log in from the broker's own host",
            )
        case _:
            return AccessRefused(
                f"user '{user}' was refused: {reason}",
                hint="it needs configure, write and read permission on the names of the topology:"
                f" rabbitmqctl set_permissions -p '{settings.virtual_host}' {user} '.*' '.*' '.*'",
            )


def _vhost_hint(settings: Settings) -> str:
    vhost, user = settings.virtual_host, settings.amqp.user
    return (
        f"an administrator can make it: rabbitmqctl add_vhost '{vhost}' and"
        f" rabbitmqctl set_permissions -p '{vhost}' {user} '.*' '.*' '.*'"
    )


def _reason(response: requests.Response) -> str | None:
    with suppress(ValueError):
        body = response.json()
        if isinstance(body, dict) and body.get("reason"):
            reason = body["reason"]
            return reason if isinstance(reason, str) else ", ".join(map(str, reason))
    return None


def _unreachable(what: str, endpoint: Endpoint, error: BaseException, *, wanted: str) -> BrokerError:
    match error:
        case socket.gaierror():
            return BrokerUnreachable(f"{what}: host '{endpoint.host}' has no address", hint="check its name")
        case ConnectionRefusedError():
            return BrokerUnreachable(
                f"{what}: nobody listens on port {endpoint.port}", hint=f"check host and port; {_BOOTING}"
            )
    listens = what_listens(endpoint)
    if listens is not None and listens != wanted:
        return NotRabbitMQ(
            f"{what}: port {endpoint.port} speaks {listens.upper()}, not {wanted.upper()}",
            hint=_other_port(listens, wanted),
        )
    reason = "no answer in time" if isinstance(error, TimeoutError) else reason_of_os(error)
    return BrokerUnreachable(f"{what}: {reason}", hint=_BOOTING)


def _other_port(listens: str, wanted: str) -> str:
    if listens == "tls":
        return f"for a port that expects TLS write {'amqps' if wanted == 'amqp' else 'https'}://"
    if wanted == "amqp":
        return "AMQP listens on port 5672 unless told otherwise; 15672 is the management API"
    return "the management API listens on port 15672 unless told otherwise; 5672 is AMQP"


def reason_of_os(error: BaseException) -> str:
    """Return the operating system's words for a failure."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _tls_failure(what: str, error: Exception, endpoint: Endpoint) -> BrokerError:
    found = _cause(error)
    if isinstance(found, ssl.SSLCertVerificationError):
        return BrokerUnreachable(
            f"{what}: its certificate cannot be trusted: {found.verify_message}",
            hint="give the certificate of the authority that signed it as --ca-file",
        )
    reason = getattr(found, "reason", None) or str(found)
    plain = endpoint.scheme.removesuffix("s")
    hint = (
        f"the port does not speak TLS: write {plain}://, or give the TLS port"
        if reason in {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}
        else "does the broker ask for a client certificate? give --cert-file and --key-file"
    )
    return BrokerUnreachable(f"{what}: TLS failed: {reason}", hint=hint)


def _cause(error: BaseException) -> BaseException:
    """Return the operating system's error inside the wrappers of requests and urllib3."""
    seen: set[int] = set()
    found: BaseException = error
    while id(found) not in seen:
        seen.add(id(found))
        inner = [getattr(found, "reason", None), found.__cause__, found.__context__, *reversed(found.args)]
        found = next((item for item in inner if isinstance(item, BaseException)), found)
    return found


def what_listens(endpoint: Endpoint) -> str | None:
    """Return which protocol a port speaks, `http`, `amqp` or `tls`, as far as one question can tell."""
    address = (endpoint.host, endpoint.port)
    with suppress(OSError), socket.create_connection(address, _SECONDS_FOR_PROBE) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        answer = connection.recv(5)
        for beginning, protocol in ((b"HTTP", "http"), (b"AMQP", "amqp"), (b"\x15\x03", "tls")):
            if answer.startswith(beginning):
                return protocol
    return None
