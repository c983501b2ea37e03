"""`export` and `import` with the forms of other programs, on a real broker."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import amqp
import pytest
import yaml

from attune_infra.broker.http.management import Management
from attune_infra.errors import ExitCode
from support.as_a_user import Command
from support.folders import EXAMPLES
from support.hcl import parsed
from support.strategies import NASTY_NAMES
from support.terraform import applied, instance, shown
from support.virtual_host import VirtualHost

RESOURCES = EXAMPLES / "kubernetes" / "resources.yaml"


@pytest.fixture
def user(management: Management, vhost: VirtualHost) -> Iterator[str]:
    name = f"web-{vhost.name.split()[-1]}"
    management.put("users", name, body={"password": name, "tags": ""})
    yield name
    management.delete("users", name)


def test_each_kind_of_the_operator_is_imported_set_up_and_exported_again(
    attune_infra: Command, attune_infra_alone: Command, vhost: VirtualHost, user: str, tmp_path: Path
) -> None:
    given, document, exported = (tmp_path / name for name in ("given.yaml", "topology.yaml", "exported.yaml"))
    given.write_text(RESOURCES.read_text(encoding="utf-8").replace("shop-web", user), encoding="utf-8")
    without = [f"--exclude={kind}:*" for kind in ("federation_upstream", "shovel", "user")]

    imported = attune_infra_alone(
        "import", str(given), "--rename-vhost", vhost.name, *without, "--to", str(document)
    )
    made = attune_infra("setup", str(document))
    again = attune_infra(
        "export", "--all", "--exclude", "permission:guest", "--format", "kubernetes", "--to", str(exported)
    )

    assert (imported.code, made.code, again.code) == (ExitCode.DONE, ExitCode.DONE, ExitCode.DONE), again.stderr
    assert "left out: schema replications to-standby" in imported.stderr
    assert attune_infra_alone("import", str(exported)).stdout == document.read_text(encoding="utf-8")
    assert attune_infra("diff", str(document)).code == ExitCode.DONE


def test_a_cluster_reference_goes_with_kubernetes_only(attune_infra_alone: Command) -> None:
    refused = attune_infra_alone("export", "--topology", "attune", "--cluster-reference", "main")
    wrong = attune_infra_alone(
        "export", "--topology", "attune", "--format", "kubernetes", "--cluster-reference", "Main"
    )

    assert (refused.code, wrong.code) == (ExitCode.WRONG_USAGE, ExitCode.WRONG_USAGE)
    assert "--cluster-reference goes with --format kubernetes" in refused.stderr
    assert "'Main' does not name a cluster" in wrong.stderr


def test_terraform_imports_bindings_by_the_keys_that_rabbitmq_lists(
    attune_infra: Command, channel: amqp.Channel, management: Management, vhost: VirtualHost
) -> None:
    channel.queue_declare("jobs", durable=True, auto_delete=False)
    for key in NASTY_NAMES:
        channel.queue_bind("jobs", "amq.topic", key)
    channel.queue_bind("jobs", "amq.fanout")

    exported = attune_infra("export", "--format", "terraform")

    listed = management.get("queues", vhost.name, "jobs", "bindings")
    ids = {each["id"] for each in parsed(exported.stdout)["import"]}
    place = vhost.name.replace("/", "%2F")
    assert ids == {f"jobs@{vhost.name}"} | {
        f"{place}/{each['source']}/jobs/queue/{each['properties_key']}" for each in listed if each["source"]
    }
    assert len(ids) == len(NASTY_NAMES) + 2
    assert exported.stderr == ""


def test_what_terraform_applied_is_imported_without_a_difference(
    attune_infra: Command, attune_infra_alone: Command, tmp_path: Path
) -> None:
    state, document = tmp_path / "state.json", tmp_path / "topology.yaml"
    attune_infra("setup")
    state.write_text(applied(attune_infra("export", "--format", "terraform").stdout), encoding="utf-8")

    imported = attune_infra_alone("import", str(state), "--to", str(document))

    assert (imported.code, imported.stderr) == (ExitCode.DONE, f"{document}: written\n")
    assert attune_infra("diff", str(document)).code == ExitCode.DONE
    assert attune_infra("verify", str(document)).code == ExitCode.DONE


SEVERAL = """\
topology: a title
virtual_hosts:
  billing:
    tags: [paid]
    default_queue_type: quorum
    queues:
      jobs: {bindings: [{exchange: amq.topic, routing_key: "a.#"}]}
  shop:
    queues:
      jobs: {type: stream}
"""


@pytest.mark.parametrize("form", ["kubernetes", "terraform"])
def test_a_document_of_several_virtual_hosts_becomes_resources_and_one_again(
    attune_infra_alone: Command, tmp_path: Path, form: str
) -> None:
    document, resources = tmp_path / "topology.yaml", tmp_path / "resources"
    document.write_text(SEVERAL, encoding="utf-8")

    exported = attune_infra_alone("export", "--topology", str(document), "--format", form)
    given = exported.stdout if form == "kubernetes" else applied(exported.stdout)
    resources.write_text(given, encoding="utf-8")
    imported = attune_infra_alone("import", str(resources))
    one = attune_infra_alone("import", str(resources), "--vhost", "shop")

    assert (exported.code, imported.code, one.code) == (ExitCode.DONE,) * 3, imported.stderr
    without_title = SEVERAL.partition("\n")[2]
    if form == "terraform":  # which has no resource of a virtual host
        without_title = without_title.replace("    tags: [paid]\n    default_queue_type: quorum\n", "")
        without_title = without_title.replace("jobs: {bindings", "jobs: {type: quorum, bindings")
        assert exported.stderr.startswith("left out: virtual hosts billing, shop: the provider resets")
    assert yaml.safe_load(imported.stdout) == yaml.safe_load(without_title)
    assert one.stderr == (
        "left out: other virtual hosts billing: --vhost names another one; without it, `import` reads all\n"
    )
    assert yaml.safe_load(one.stdout) == {"topology": "shop", "queues": {"jobs": {"type": "stream"}}}


def test_resources_of_a_document_are_for_the_virtual_host_of_the_url(
    attune_infra_alone: Command, tmp_path: Path
) -> None:
    several = tmp_path / "several.yaml"
    several.write_text(SEVERAL, encoding="utf-8")
    url = {"ATTUNE__MESSAGE_QUEUE__URL": "amqp://nobody@localhost/of%2Furl"}

    def vhosts(*words: str, **more: str) -> tuple[set[str], str]:
        done = attune_infra_alone("export", *words, "--format", "kubernetes", environment=more)
        assert done.code == ExitCode.DONE
        specs = [each["spec"] for each in yaml.safe_load_all(done.stdout)]
        return {each.get("vhost") or each["name"] for each in specs}, done.stderr

    said = "the export is for virtual host '{}', which the AMQP URL names; --rename-vhost NAME names another\n"
    left = "left out: queues of workers"
    assert vhosts("--topology", "attune", **url)[0] == {"of/url"}
    found, told = vhosts("--topology", "attune")
    assert (found, told.partition(left)[0]) == ({"/"}, said.format("/"))
    found, told = vhosts("--topology", "attune", "--rename-vhost", "new", **url)
    assert (found, told.partition(left)[0]) == ({"new"}, "")
    assert vhosts("--topology", str(several), "--vhost", "shop", **url) == ({"shop"}, "")
    assert vhosts("--topology", str(several), "--vhost", "shop", "--rename-vhost", "new") == ({"new"}, "")
    only = ("--topology", str(several), "--vhost", "shop", "--only", "queue:*")
    assert vhosts(*only)[0] == {"shop"}


def test_both_forms_are_data_that_their_programs_take(attune_infra_alone: Command) -> None:
    command = ("export", "--topology", "attune", "-o", "json", "--format")

    resources = attune_infra_alone(*command, "kubernetes").json["document"]
    configuration = attune_infra_alone(*command, "terraform").json["document"]

    assert (resources["apiVersion"], resources["kind"]) == ("v1", "List")
    assert len(resources["items"]) == 13
    assert sum(map(len, configuration["resource"].values())) == 13
    assert "import" not in configuration


def test_another_command_says_how_to_make_a_document_of_resources(
    attune_infra_alone: Command, tmp_path: Path
) -> None:
    state = tmp_path / "a state.json"
    state.write_text('{"format_version": "1.0", "values": {}}', encoding="utf-8")

    for file, program in ((RESOURCES, "Kubernetes"), (state, "Terraform")):
        refused = attune_infra_alone("export", "--topology", str(file))

        assert refused.code == ExitCode.FAILED
        assert refused.stderr.splitlines()[0].removeprefix("error: ") in (
            attune_infra_alone("topology", "check", str(file)).stderr
        )
        assert refused.stderr.splitlines() == [
            f"error: {file} holds resources of {program}, which are no document",
            f"hint:  `attune-infra import {shlex.quote(str(file))} --to topology.yaml` makes one of them",
        ]


def test_no_password_of_a_file_comes_out(attune_infra_alone: Command, tmp_path: Path) -> None:
    secret = "s3cret-c4nary"
    uri = f"amqp://user:{secret}@north.example.org"
    shovel = {"source_uri": uri, "destination_uri": uri, "source_queue": "a"}
    texts = [
        RESOURCES.read_text(encoding="utf-8").replace("  username:", f"  password: {secret}\n  username:"),
        shown(
            instance("rabbitmq_user.u", name="u", password=secret, tags=[]),
            instance(
                "rabbitmq_federation_upstream.f", name="f", vhost="/", definition=[{"uri": uri, "max_hops": "x"}]
            ),
            instance("rabbitmq_shovel.s", name="s", vhost="/", info=[shovel]),
        ),
    ]
    texts += [text[:-9] for text in texts]  # broken at the end
    for number, text in enumerate(texts):
        file = tmp_path / f"{number}.txt"
        file.write_text(text, encoding="utf-8")
        for output in ("text", "json"):
            done = attune_infra_alone("import", str(file), "-o", output, "-vv")

            assert text.count(secret) > 0
            assert secret not in done.stdout + done.stderr
