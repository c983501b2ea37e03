"""Documents, connections and sandboxes."""

from __future__ import annotations

from typing import Annotated, TypedDict

from attune_infra.contract.stamp import TargetData
from attune_infra.contract.words import Arguments, OneOf, Url


class LeftOutData(TypedDict):
    """Objects that are not in a document."""

    kind: Annotated[str, "Kind of the objects, in plural."]
    names: Annotated[list[str], "Names of the objects."]
    why: Annotated[str, "Reason, as a sentence."]


class TextData(TypedDict):
    """A text."""

    text: Annotated[str, "The text."]


class DocumentData(TypedDict):
    """A document."""

    document: Annotated[Arguments, "The document, as an object."]
    text: Annotated[str, "Text of the document."]
    left_out: Annotated[list[LeftOutData], "Objects that are not in it, sorted."]


class ConnectionData(TypedDict):
    """A named connection."""

    name: Annotated[str, "Name of the connection."]
    protected: Annotated[bool, "True if every change needs a digest or the typed name of the cluster."]
    amqp: Annotated[
        str | None, "AMQP URL with all its hosts, without user and password; null if the entry is wrong."
    ]
    management: Annotated[str | None, "URL of the management API with all its hosts; null if the entry is wrong."]
    virtual_host: Annotated[str | None, "Virtual host."]
    user: Annotated[str | None, "User of AMQP."]
    expect_cluster: Annotated[list[str] | None, "Expected names of the cluster."]
    answers: Annotated[bool, "True if the broker answers."]
    target: Annotated[TargetData | None, "Broker that answers."]
    trouble: Annotated[str | None, "Reason why none does, as a sentence."]


class ConnectionsData(TypedDict):
    """The named connections of the configuration file."""

    file: Annotated[str | None, "Configuration file; null if there is none."]
    connections: Annotated[list[ConnectionData], "Connections, in the order of the file."]


class ServerData(TypedDict):
    """A server of a sandbox."""

    title: Annotated[str, "Name of the program."]
    version: Annotated[str, "Version of the program."]
    pid: Annotated[int, "Process id."]
    ended: Annotated[str | None, "Manner in which it ended; null while it runs."]
    ports: Annotated[dict[str, int], "Ports by their names."]
    log: Annotated[str, "Path of its log."]
    node: Annotated[str | None, "Name of the node of RabbitMQ; null for PostgreSQL."]


class SandboxData(TypedDict):
    """A sandbox."""

    name: Annotated[str, "Name of the sandbox."]
    status: Annotated[str, OneOf.these("running", "partly", "stopped"), "State of its servers."]
    servers: Annotated[list[ServerData], "Servers."]


class SandboxesData(TypedDict):
    """Sandboxes of the user."""

    sandboxes: Annotated[list[SandboxData], "Sandboxes."]


class SchemaData(TypedDict):
    """A schema."""

    name: Annotated[str, "Name, as the JSON has it under `schema`."]
    command: Annotated[str, "Command with this JSON; `error` is that of any failure, `plan` that of `diff --out`."]
    url: Annotated[Url, "Address of the schema."]


class SchemasData(TypedDict):
    """The schemas of all JSON."""

    schemas: Annotated[list[SchemaData], "Schemas, in the order of the commands."]


class VariablesData(TypedDict):
    """Environment variables that lead to a sandbox."""

    variables: Annotated[dict[str, str], "Values by their names."]
