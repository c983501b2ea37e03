"""TLS as a client meets it: certificates with their days, trust, host names and keys.

Python decodes only a certificate that it trusts. The days of any other, such as an expired one, are read here from
its DER encoding: two times at a fixed place of X.509.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from attune_infra.errors import AttuneError, BrokerUnreachable, InvalidInput
from attune_infra.settings import Endpoint, Settings, Tls
from attune_infra.topology.doctor.certificates import Certificate, Handshake, TlsFile

_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_OTHER_NAME: Final = frozenset({62, 64})
"""OpenSSL's codes X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
_LONG_FORM, _TIMES, _EXPLICIT_VERSION, _UTC_TIME = 0x80, 4, 0xA0, 0x17


def handshake(endpoint: Endpoint, tls: Tls, timeout: float) -> Handshake:
    """Return the TLS of a server; raise `BrokerUnreachable` if there is no handshake at all."""
    try:
        chain = _presented(endpoint, tls, timeout)
        return Handshake(
            certificates=[_certificate(der, _title(number)) for number, der in enumerate(chain)],
            untrusted=_distrust(endpoint, tls, timeout),
            other_name=_other_name(endpoint, tls, timeout, ssl.DER_cert_to_PEM_cert(chain[0])),
        )
    except (OSError, ValueError, IndexError) as error:
        raise _no_handshake(endpoint, error) from error


def files(tls: Tls) -> Iterator[TlsFile]:
    """Yield what is in the files of the settings."""
    if tls.ca_file:
        yield TlsFile(title=f"CA certificates in {tls.ca_file}", certificates=_certificates_in(tls.ca_file))
    if tls.cert_file:
        yield TlsFile(
            title=f"client certificate in {tls.cert_file}",
            certificates=_certificates_in(tls.cert_file),
            key=_key_fits(tls.cert_file, tls.key_file or tls.cert_file),
        )


def expiries(settings: Settings) -> Iterator[tuple[str, Callable[[], datetime]]]:
    """Yield the name of each certificate in use, and a function that returns the moment at which it expires.

    A server stands for its whole chain, of which the first to expire counts; before Python 3.13, only its leaf is
    seen. Of several hosts, the first to expire counts too, and those that do not answer are left out. The function
    raises `AttuneError` if no certificate can be read.
    """
    for endpoint in (settings.amqp, settings.management):
        if endpoint.tls:
            yield endpoint.scheme, partial(_first_end_of_servers, endpoint.hosts, settings)
    for name, file in (("client", settings.tls.cert_file), ("authorities", settings.tls.ca_file)):
        if file:
            yield name, partial(_first_end_of_file, file)


def _first_end_of_servers(hosts: Sequence[Endpoint], settings: Settings) -> datetime:
    ends, failures = list[datetime](), list[AttuneError]()
    for host in hosts:
        try:
            ends.append(_first_end_of_server(host, settings))
        except AttuneError as error:
            failures.append(error)
    if not ends:
        raise failures[0]
    return min(ends)


def _first_end_of_server(endpoint: Endpoint, settings: Settings) -> datetime:
    try:
        chain = _presented(endpoint, settings.tls, settings.timeout)
        return min(validity(der)[1] for der in chain)
    except (OSError, ValueError, IndexError) as error:
        raise _no_handshake(endpoint, error) from error


def _first_end_of_file(file: Path) -> datetime:
    found = _certificates_in(file)
    if isinstance(found, AttuneError):
        raise found
    return min(certificate.until for certificate in found)


def _no_handshake(endpoint: Endpoint, error: Exception) -> BrokerUnreachable:
    return BrokerUnreachable(
        f"no TLS handshake with {endpoint.netloc}: {getattr(error, 'reason', None) or error}",
        hint="see the checks of the connections",
    )


def validity(der: bytes) -> tuple[datetime, datetime]:
    """Return the first and the last moment of a certificate; raise `ValueError` if it is none."""
    try:
        return _validity(der)
    except (IndexError, ValueError) as error:
        raise ValueError("not an X.509 certificate") from error


def _validity(der: bytes) -> tuple[datetime, datetime]:
    [(_, certificate)] = _parts(der)
    (_, signed), *_ = _parts(certificate)
    fields = list(_parts(signed))
    times = fields[_TIMES if fields[0][0] == _EXPLICIT_VERSION else _TIMES - 1][1]
    since, until = (_moment(tag, value) for tag, value in _parts(times))
    return since, until


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and contents of each value in a DER encoding."""
    at = 0
    while at < len(data):
        tag, length, begin = data[at], data[at + 1], at + 2
        if length >= _LONG_FORM:
            begin += length - _LONG_FORM
            length = int.from_bytes(data[at + 2 : begin], "big")
        at = begin + length
        yield tag, data[begin:at]


def _moment(tag: int, value: bytes) -> datetime:
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(value.decode("ascii"), form).replace(tzinfo=UTC)


def _title(number: int) -> str:
    return "certificate of the server" if number == 0 else f"certificate {number + 1} of its chain"


def _certificate(der: bytes, title: str) -> Certificate:
    return Certificate(title, *validity(der))


def _presented(endpoint: Endpoint, tls: Tls, timeout: float) -> Sequence[bytes]:
    """Return the certificates that a server sends, leaf first; before Python 3.13, only the leaf."""
    context = _context(tls, None)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with _connected(endpoint, context, timeout) as connection:
        chain = getattr(connection, "get_unverified_chain", None)
        leaf = connection.getpeercert(binary_form=True)
        return list(chain()) if chain is not None else [leaf or b""]


def _distrust(endpoint: Endpoint, tls: Tls, timeout: float) -> str | None:
    """Return the reason for which the chain cannot be verified, whatever the name in it; None if it can."""
    context = _context(tls, str(tls.ca_file) if tls.ca_file else _authorities(endpoint))
    context.check_hostname = False
    return next((words for _, words in _refusals(endpoint, context, timeout)), None)


def _other_name(endpoint: Endpoint, tls: Tls, timeout: float, leaf: str) -> str | None:
    """Return the reason for which a certificate is not one of the host; it is trusted for this question only."""
    context = _context(tls, None)
    context.load_verify_locations(cadata=leaf)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    found = _refusals(endpoint, context, timeout)
    return next((words for code, words in found if code in _OTHER_NAME), None)


def _refusals(endpoint: Endpoint, context: ssl.SSLContext, timeout: float) -> Iterator[tuple[int, str]]:
    try:
        _connected(endpoint, context, timeout).close()
    except ssl.SSLCertVerificationError as error:
        yield error.verify_code, error.verify_message.rstrip(".")


def _context(tls: Tls, authorities: str | None) -> ssl.SSLContext:
    """Return a context that verifies with a file or folder of certificates; without one, it trusts none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authorities == _SYSTEM:
        context.load_default_certs()
    elif authorities is not None:
        is_folder = Path(authorities).is_dir()
        context.load_verify_locations(**{"capath" if is_folder else "cafile": authorities})
    if tls.cert_file:
        key = tls.key_file or tls.cert_file
        if _key_fits(tls.cert_file, key) is True:
            context.load_cert_chain(tls.cert_file, key, password="")
    return context


_SYSTEM: Final = ""
"""Stands for the certificates that OpenSSL takes by itself."""


def _authorities(endpoint: Endpoint) -> str:
    """Return the certificates that are trusted without --ca-file: AMQP takes OpenSSL's, requests its own."""
    if endpoint.scheme == "amqps":
        return _SYSTEM
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or str(DEFAULT_CA_BUNDLE_PATH)


def _connected(endpoint: Endpoint, context: ssl.SSLContext, timeout: float) -> ssl.SSLSocket:
    plain = socket.create_connection((endpoint.host, endpoint.port), timeout)
    try:
        return context.wrap_socket(plain, server_hostname=endpoint.host)
    except BaseException:
        plain.close()
        raise


def _certificates_in(file: Path) -> Sequence[Certificate] | AttuneError:
    hint = "give a file in PEM format"
    try:
        found = _PEM.findall(file.read_text(encoding="ascii", errors="replace"))
        ders = [ssl.PEM_cert_to_DER_cert(each) for each in found]
        certificates = [_certificate(der, f"certificate {n} of {file}") for n, der in enumerate(ders, 1)]
    except (OSError, ValueError) as error:
        return InvalidInput(f"{file} cannot be read as certificates: {error}", hint=hint)
    return certificates or InvalidInput(f"{file} holds no certificate", hint=hint)


def _key_fits(certificate: Path, key: Path) -> bool | AttuneError:
    """Return True if a key belongs to a certificate; False if it belongs to another one."""
    options: dict[str, Any] = {"password": ""}  # so that OpenSSL does not ask for one
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, **options)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            return False
        return InvalidInput(
            f"{key} cannot be read as a private key: {error.reason or error}",
            hint="give an unencrypted private key in PEM format as --key-file",
        )
    except OSError as error:
        return InvalidInput(f"{key} cannot be read: {error.strerror}", hint="give a file in PEM format")
    return True
