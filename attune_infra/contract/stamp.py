"""The keys that the JSON of every command has."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from attune_infra.contract.words import Time


class Tool(TypedDict):
    """The program that wrote the JSON."""

    name: Annotated[str, "Name of the program: attune-infra."]
    version: Annotated[str, "Version of the program."]


class TargetData(TypedDict):
    """A virtual host of a cluster, as one user sees it."""

    cluster: Annotated[str | None, "Name of the cluster; null if the broker does not tell it."]
    node: Annotated[str | None, "Node that answered; null if AMQP alone was asked."]
    version: Annotated[str, "Release of RabbitMQ."]
    virtual_host: Annotated[str, "Virtual host."]
    user: Annotated[str, "User of AMQP."]
    management_user: Annotated[str | None, "User of the management API, if it is another one."]
    connection: Annotated[str | None, "Name of the connection in the configuration file, if one was chosen."]
    host: Annotated[str | None, "Host and port that answered, if the URL has several hosts."]


class Stamp(TypedDict):
    """The keys of every result."""

    schema: Annotated[str, "Name of the schema of this JSON; the number grows if a key is removed or changed."]
    exit_code: Annotated[int, "Exit code of the command."]
    tool: Annotated[Tool, "Program that wrote this."]
    time: Annotated[Time, "Time when the command ended, in UTC."]
    target: NotRequired[Annotated[TargetData, "Broker that was asked; absent if none was."]]
