"""Federation upstreams, shovels and other parameters, from a document to the broker and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.errors import ExitCode
from attune_infra.sandbox import BoundSandbox
from attune_infra.settings import AMQP_URL
from attune_infra.topology.document.sections.secrets import word_of_variable
from support.as_a_user import Command
from support.folders import EXAMPLES
from support.virtual_host import VirtualHost

SECRET = "s3cret-c4nary"  # of nobody
DOCUMENT = """\
manages: ['mine.*']
exchanges: {mine.e: {type: topic}}
queues: {mine.q: {type: classic, bindings: [{exchange: mine.e, routing_key: '#'}]}}
policies: {mine.p: {pattern: ^mine.e$, apply_to: exchanges, definition: {federation-upstream-set: mine.all}}}
federation_upstreams: {mine.north: {uri: {env: NORTH}, max-hops: 2}}
federation_upstream_sets: {mine.all: [{upstream: mine.north}]}
shovels:
  mine.s:
    src-uri: [{env: NORTH}, 'amqp://127.0.0.1:1']
    src-queue: mine.q
    dest-uri: amqp://127.0.0.1:1
    dest-queue: d
global_parameters: {GLOBAL: {a: [1, true]}}
"""


@pytest.fixture(scope="module")
def sandbox(sandbox_with_plugins: BoundSandbox) -> BoundSandbox:
    return sandbox_with_plugins


@pytest.fixture
def document(tmp_path: Path, vhost: VirtualHost) -> str:
    file, name = tmp_path / "it.yaml", f"of {vhost.name}"
    file.write_text(DOCUMENT.replace("GLOBAL", f"'{name}'"), encoding="utf-8")
    return str(file)


@pytest.fixture
def uri() -> Mapping[str, str]:
    return {"NORTH": f"amqp://user:{SECRET}@127.0.0.1:1/v"}


def test_they_are_set_up_changed_exported_and_pruned_without_a_password_in_any_output(
    attune_infra: Command, document: str, uri: Mapping[str, str], management: Management, vhost: VirtualHost
) -> None:
    outputs, folder = [], Path(document).parent

    def run(*arguments: str) -> list[str]:
        result = attune_infra(*arguments, environment=uri)
        outputs.append(result.stdout + result.stderr)
        return [*result.lines, str(result.code)]

    assert run("diff", document)[-3] == "8 to create"
    made = run("setup", document)
    assert made[-2:] == ["8 objects: 8 created", "0"]
    assert '+ federation upstream mine.north set: max-hops 2, uri {"env": "NORTH"}: created' in made
    assert f"+ global parameter of {vhost.name} set for the whole broker: a [1, true]: created" in made
    assert run("setup", document)[-2] == "8 objects: 8 unchanged"
    assert run("verify", document)[-1] == "0"
    assert run("diff", "--explain", document)[-1] == "0"

    shovel = {"src-uri": f"amqp://u:{SECRET}@h", "dest-uri": "amqp://h", "src-queue": "q"}
    management.put("parameters", "shovel", vhost.name, "mine.old", body={"value": shovel})
    upstream = {"uri": f"amqp://user:{SECRET}-old@127.0.0.1:1/v", "max-hops": 1}
    management.put("parameters", "federation-upstream", vhost.name, "mine.north", body={"value": upstream})
    changed = run("diff", document, "--prune")
    assert "- shovel mine.old is undeclared" in changed
    assert "~ uri: have 'amqp://***@127.0.0.1:1/v' (string), want 'the same with other credentials' (string)" in (
        "~ " + line.strip() for line in changed
    )
    run("diff", document, "--prune", "-o", "json")
    exported, undo, plan = (str(folder / name) for name in ("all.yaml", "undo.yaml", "plan.json"))
    run("export", "--all", "--to", exported)
    run("export", "--all", "--format", "definitions")
    run("diff", document, "--prune", "--out", plan)
    pruned = run("setup", plan, "--allow-destructive", "--yes", "--max-deletes", "1", "--undo-file", undo)
    assert pruned[-2] == "9 objects: 1 updated, 1 deleted, 7 unchanged"
    outputs += [Path(each).read_text(encoding="utf-8") for each in (exported, undo, plan)]

    assert f"uri: {{env: FEDERATION_UPSTREAM_{word_of_variable('mine.north')}_URI_1}}" in outputs[-3]
    assert f"src-uri: {{env: SHOVEL_{word_of_variable('mine.old')}_URI_1}}" in outputs[-2]
    assert not [output for output in outputs if SECRET in output]


def test_the_example_can_be_set_up_and_leaves_nothing_to_do(
    attune_infra: Command, vhost: VirtualHost, tmp_path: Path
) -> None:
    file, secrets = (
        tmp_path / "it.yaml",
        dict.fromkeys(("NORTH_URI", "OLD_SHOP_URI"), f"amqp://u:{SECRET}@127.0.0.1:1"),
    )
    text = (EXAMPLES / "federation.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("amqp:///shop", f"amqp:///{quote(vhost.name)}"), encoding="utf-8")

    assert attune_infra("setup", str(file), environment=secrets).lines[-1] == "8 objects: 8 created"
    assert attune_infra("diff", str(file), environment=secrets).code == ExitCode.DONE


def test_resources_of_the_operator_are_imported_set_up_and_exported_again(
    attune_infra: Command, tmp_path: Path
) -> None:
    document, exported, again = (tmp_path / name for name in ("it.yaml", "exported.yaml", "again.yaml"))
    links = ("--only", "federation_upstream:*", "--only", "shovel:*")
    names = ("FEDERATION_UPSTREAM_SHOP__ORIGIN_URI_1", "SHOVEL_SHOP__ARCHIVE_URI_1", "SHOVEL_SHOP__ARCHIVE_URI_2")
    secrets = dict.fromkeys(names, f"amqp://u:{SECRET}@127.0.0.1:1")

    imported = attune_infra("import", str(EXAMPLES / "kubernetes/resources.yaml"), *links, "--to", str(document))
    made = attune_infra("setup", str(document), environment=secrets)
    form = ("--format", "kubernetes", "--rename-vhost", "shop")  # so that its variables have the same names
    out = attune_infra("export", "--all", *links, *form, "--to", str(exported))
    attune_infra("import", str(exported), *links, "--to", str(again))

    assert "set SHOVEL_SHOP__ARCHIVE_URI_1 and SHOVEL_SHOP__ARCHIVE_URI_2 to them" in imported.stderr
    assert made.lines[-1] == "2 objects: 2 created"
    assert "make it, with srcUri and destUri" in out.stderr
    assert attune_infra("diff", str(again), environment=secrets).code == ExitCode.DONE
    assert SECRET not in exported.read_text(encoding="utf-8") + out.stderr


def test_a_secret_that_is_missing_is_named(attune_infra: Command, document: str) -> None:
    for command in ("diff", "setup", "verify"):
        result = attune_infra(command, document)

        assert result.code == ExitCode.FAILED
        assert "a URI of federation upstream 'mine.north': environment variable NORTH is not set" in result.stderr
    assert attune_infra("topology", "check", document).code == ExitCode.DONE

    result = attune_infra("diff", document, environment={"NORTH": SECRET})
    assert result.stderr.splitlines()[0] == (
        "error: a URI of federation upstream 'mine.north', read from environment variable NORTH, expects a URI"
        " like amqps://broker.example.org/orders: it begins with amqp:// or amqps://"
    )
    assert SECRET not in result.stdout + result.stderr


def test_a_user_who_may_not_see_parameters_is_told_so(
    attune_infra: Command, document: str, uri: Mapping[str, str], vhost: VirtualHost, management: Management
) -> None:
    name = f"svc-{vhost.name.split()[-1]}"
    management.put("users", name, body={"password": name, "tags": "management"})
    management.put("permissions", vhost.name, name, body={"configure": ".*", "write": ".*", "read": ".*"})
    as_user = {AMQP_URL.variable: vhost.amqp_url.replace("guest:guest", f"{name}:{name}"), **uri}

    for command in ("diff", "setup", "verify"):
        result = attune_infra(command, document, environment=as_user)
        assert result.code == ExitCode.FAILED
        assert f"user '{name}' lacks the tag policymaker, without which RabbitMQ shows no" in (
            result.stdout + result.stderr
        )
    management.put("users", name, body={"password": name, "tags": "policymaker"})
    assert attune_infra("setup", document, environment=as_user).lines[-1] == "8 objects: 8 created"
    management.delete("users", name)
