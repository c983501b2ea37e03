"""A text of another program -> Reading: definitions of RabbitMQ, resources of Kubernetes or Terraform."""

from __future__ import annotations

from typing import Final

from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.topology.document.reading import Reading

FORMS: Final = (
    "RabbitMQ's definitions (JSON), resources of its topology operator for Kubernetes (YAML), "
    "or the output of `terraform show -json`"
)
"""The forms that can be read, in words."""


def read_foreign(text: str, *, source: str, vhost: str | None = None, everything: bool = False) -> Reading:
    """Read a text, whatever its form; raise `InvalidInput` for a text of no known form.

    With `vhost`, read one virtual host. Without it, read the only one of definitions, and all that resources name;
    with `everything`, all with their settings, and of definitions what administrators set in them. The problems of
    the text are in the reading.
    """
    from attune_infra.topology.document.definitions.virtual_host import read_definitions
    from attune_infra.topology.document.foreign.kubernetes.read import read_kubernetes
    from attune_infra.topology.document.foreign.terraform.read import read_terraform

    if everything and vhost is not None:
        raise WrongUsage("--all reads all virtual hosts, and --vhost names one", hint="give one of the two")
    program = program_of(text)
    if program is not None:
        read = read_terraform if program == "Terraform" else read_kubernetes
        return read(text, source=source, vhost=vhost, everything=everything)
    if everything:
        return _read_whole(text, source)
    if text.lstrip("\ufeff \t\r\n").startswith("{"):
        return read_definitions(text, source=source, vhost=vhost)
    raise InvalidInput(f"{source} has none of the forms that `import` reads", hint=f"give {FORMS}")


def program_of(text: str) -> str | None:
    """Return the program whose resources a text holds, Kubernetes or Terraform; None if it holds others."""
    from attune_infra.topology.document.foreign.kubernetes.read import looks_like_kubernetes
    from attune_infra.topology.document.foreign.terraform.state import looks_like_terraform

    if looks_like_terraform(text):
        return "Terraform"
    return "Kubernetes" if looks_like_kubernetes(text) else None


def _read_whole(text: str, source: str) -> Reading:
    from attune_infra.topology.document.definitions.virtual_host import looks_like_definitions
    from attune_infra.topology.document.definitions.whole_broker import read_whole

    if not looks_like_definitions(text):
        raise InvalidInput(f"{source} has none of the forms that `import` reads", hint=f"give {FORMS}")
    return read_whole(text, source=source)
