"""A broker that the tests of `doctor` may break, with TLS; tests in one group share it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import trustme

from attune_infra.broker.http.management import Management
from support.patients import Patient, issue
from support.under_test import BrokerUnderTest

_NO_CACHE = "spawn(fun Again() -> ssl:clear_pem_cache(), timer:sleep(50), Again() end)."
"""Makes a broker read its certificates again; by itself it does so every two minutes."""


@pytest.fixture(scope="package")
def patient(under_test: BrokerUnderTest) -> Iterator[Patient]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        amqps, https = one.getsockname()[1], other.getsockname()[1]
    authority = trustme.CA()
    with under_test.folder() as folder:
        authority.cert_pem.write_to_path(folder / "ca.pem")
        issue(authority, folder, "server", "localhost", days=365)
        inside = under_test.path_inside(folder)
        files = [
            f"{prefix}.{key}file = {inside}/{file}.pem"
            for prefix in ("ssl_options", "management.ssl")
            for key, file in (("cacert", "ca"), ("cert", "server"), ("key", "server-key"))
        ]
        ports = [f"listeners.ssl.1 = 127.0.0.1:{amqps}", f"management.ssl.port = {https}"]
        config = "\n".join((*ports, *files, "management.ssl.ip = 127.0.0.1"))
        with under_test.sandbox(postgres=False, extra_config=config) as sandbox:
            sandbox.rabbitmqctl("eval", _NO_CACHE)
            yield Patient(sandbox, folder, amqps, https, authority, under_test.environment)


@pytest.fixture
def patient_management(patient: Patient) -> Iterator[Management]:
    """The management API of the patient, as an administrator."""
    management = Management(patient.vhost.settings())
    yield management
    management.close()
