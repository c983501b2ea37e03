"""Users of the broker, from a document to the broker and back; no command shows a secret."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from attune_infra.broker.http.management import Management
from attune_infra.broker.users import users_from
from attune_infra.errors import BrokerError, ExitCode
from attune_infra.settings import AMQP_URL
from attune_infra.topology.document.parse import parse
from attune_infra.topology.facts.users import fits
from attune_infra.topology.model import PasswordHash
from support.as_a_user import Command, Result
from support.eventually import eventually
from support.in_process import run_in_process
from support.virtual_host import VirtualHost

CANARIES = {"env": "C4nary-env-1x", "file": "C4nary-file-2x", "command": "C4nary-command-3x"}
DOCUMENT = """\
manages: ['.*']
manages_users: ['^{prefix}']
queues: {{jobs: {{}}}}
users:
  {prefix}-env: {{tags: [management], password: {{env: CANARY}}, limits: {{max-channels: 50}}}}
  {prefix}-file: {{password: {{file: '{secret}'}}}}
  {prefix}-command: {{password: {{command: ['{python}', -c, 'print(open("{output}").read())']}}}}
permissions:
  {prefix}-env: {{configure: '', write: '', read: ^jobs$}}
"""

COMMANDS = (
    ("diff", "-vv"),
    ("diff", "-o", "json", "--explain"),
    ("diff", "--out", "plan.json"),
    ("setup", "--dry-run", "-vv"),
    ("setup", "plan.json", "-vv"),
    ("diff", "--prune", "-o", "markdown"),
    ("verify", "-vv", "-o", "json"),
    ("verify", "--strict", "-o", "junit"),
    ("lint", "-o", "sarif", "--to", "lint.sarif"),
    ("topology", "check"),
    ("topology", "show", "--resolved"),
    ("graph",),
    ("doctor", "-vv"),
    ("export", "--all", "-vv", "--to", "all.yaml"),
    ("export", "--all", "--format", "definitions", "--to", "all.json"),
    ("export", "--users", "-o", "json"),
    ("import", "all.json"),
    ("export", "--topology"),
    ("setup", "--prune", "--allow-destructive", "--yes", "--max-deletes", "1", "--undo-file", "undo.yaml"),
)


class Place:
    """A document with users, and the places of their passwords."""

    def __init__(self, vhost: VirtualHost, management: Management, folder: Path) -> None:
        self.prefix, self.folder, self.management = f"svc-{vhost.name.split()[-1]}", folder, management
        self.places = {kind: folder / f"{kind}.secret" for kind in ("file", "command")}
        for kind, place in self.places.items():
            place.write_text(f"{CANARIES[kind]}\nsecond line\n", encoding="utf-8")
        self.environment = {"CANARY": CANARIES["env"], "HOME": str(folder)}
        self.document = self.write("it.yaml")

    def write(self, name: str, more: str = "") -> str:
        words = {"prefix": self.prefix, "secret": self.places["file"], "output": self.places["command"]}
        file = self.folder / name
        file.write_text(DOCUMENT.format(python=sys.executable, **words) + more, encoding="utf-8")
        return str(file)

    def hashes(self) -> dict[str, str]:
        found = {user.name: user.password for user in users_from(self.management.get("users"))}
        return {name: each.text for name, each in found.items() if isinstance(each, PasswordHash) and each.text}

    def remove(self) -> None:
        for name in self.hashes():
            if name.startswith(self.prefix):
                with suppress(BrokerError):
                    self.management.delete("users", name)


@pytest.fixture
def place(vhost: VirtualHost, management: Management, tmp_path: Path) -> Iterator[Place]:
    place = Place(vhost, management, tmp_path)
    yield place
    place.remove()


def test_users_are_set_up_and_match(attune_infra: Command, place: Place) -> None:
    assert attune_infra("diff", place.document, environment=place.environment).lines[-2] == "5 to create"

    made = attune_infra("setup", place.document, environment=place.environment)

    assert made.code == ExitCode.DONE
    line = f"+ user {place.prefix}-env of the whole broker set: tags management, max-channels 50, password from"
    assert f"{line} environment variable CANARY: created" in made.lines
    users = {user.name: user for user in users_from(place.management.get("users"))}
    for kind, password in CANARIES.items():
        found = users[f"{place.prefix}-{kind}"].password
        assert isinstance(found, PasswordHash)
        assert fits(password, found)
    assert attune_infra("diff", place.document, environment=place.environment).code == ExitCode.DONE
    assert attune_infra("verify", place.document, environment=place.environment).code == ExitCode.DONE


def test_a_password_that_differs_is_named_and_nothing_more(attune_infra: Command, place: Place) -> None:
    attune_infra("setup", place.document, environment=place.environment)
    other = {**place.environment, "CANARY": "another"}

    differs = attune_infra("diff", place.document, "-o", "json", environment=other)
    [change] = differs.json["changes"]
    assert (change["kind"], change["differences"]) == ("user", [{"attribute": "password"}])
    verified = attune_infra("verify", place.document, "-o", "json", environment=other)
    [failed] = [check for check in verified.json["checks"] if check["verdict"] == "failed"]
    assert (failed["code"], failed["differences"]) == ("user-matches", [{"attribute": "password"}])
    made = attune_infra("setup", place.document, environment=other)
    assert made.lines[-1] == "5 objects: 1 updated, 4 unchanged"
    assert "      password differs" in made.lines


@pytest.mark.parametrize("command", ["diff", "setup", "verify"])
def test_a_secret_that_is_missing_changes_nothing(attune_infra: Command, place: Place, command: str) -> None:
    result = attune_infra(command, place.document, environment={"HOME": place.environment["HOME"]})

    assert result.code == ExitCode.FAILED
    assert result.stderr.startswith(
        f"error: the password of user '{place.prefix}-env': environment variable CANARY is not set\n"
    )
    assert not any(name.startswith(place.prefix) for name in place.hashes())


def test_an_undeclared_user_is_pruned_if_the_document_manages_its_name(
    attune_infra: Command, place: Place
) -> None:
    attune_infra("setup", place.document, environment=place.environment)
    old = {"password": "x", "tags": "monitoring", "limits": {"max-channels": 3}}
    place.management.put("users", f"{place.prefix}-old", body=old)
    undo = str(place.folder / "undo.yaml")

    plan = attune_infra("diff", place.document, "--prune", environment=place.environment)
    assert [line for line in plan.lines if line.startswith("-")] == [f"- user {place.prefix}-old is undeclared"]
    assert "      it belongs to the whole broker; its permissions in every virtual host go with it" in plan.lines
    options = ("--prune", f"--allow-destructive=user:{place.prefix}-*", "--yes", "--undo-file", undo)
    pruned = attune_infra("setup", place.document, *options, environment=place.environment)

    assert pruned.code == ExitCode.DONE, pruned
    assert f"left out: passwords of users {place.prefix}-old" in pruned.stderr
    names = place.hashes()
    assert (f"{place.prefix}-old" in names, "guest" in names, f"{place.prefix}-env" in names) == (
        False,
        True,
        True,
    )
    assert attune_infra("setup", undo).code == ExitCode.DONE
    again = next(user for user in users_from(place.management.get("users")) if user.name == f"{place.prefix}-old")
    assert (again.tags, dict(again.limits)) == (frozenset({"monitoring"}), {"max-channels": 3})
    place.management.delete("users", again.name)


def test_a_user_who_is_no_administrator_sees_none_missing(
    attune_infra: Command, place: Place, vhost: VirtualHost
) -> None:
    attune_infra("setup", place.document, environment=place.environment)
    url = vhost.amqp_url.replace("guest:guest", f"{place.prefix}-env:{CANARIES['env']}")

    for command in ("diff", "setup", "verify"):
        result = attune_infra(command, place.document, environment={**place.environment, AMQP_URL.variable: url})
        assert result.code == ExitCode.FAILED
        sentence = "lacks the tag administrator, without which RabbitMQ shows no users and permissions"
        assert sentence in result.stdout + result.stderr


def test_no_command_shows_a_secret(attune_infra: Command, place: Place) -> None:
    """Shown are outputs, errors and files of each command, on success and on failure."""
    shown = [run(attune_infra, place, *command) for command in COMMANDS]
    assert [each for each in zip(COMMANDS, shown, strict=True) if each[1].code not in {0, 2}] == []
    other = CANARIES["env"].replace("1x", "9x")
    wrong = {**place.environment, "CANARY": other}
    refused = place.write("refused.yaml", "  nobody: {configure: '', write: '', read: ''}\n")
    (own := place.folder / "own.yaml").write_text(
        "users: {guest: {tags: [administrator], password: {env: CANARY}}}", encoding="utf-8"
    )
    (literal := place.folder / "literal.yaml").write_text(
        f"users: {{a: {{password: {CANARIES['env']}}}}}", encoding="utf-8"
    )
    shown += [
        attune_infra(command, document, "-vv", environment=wrong, folder=place.folder)
        for document in (place.document, refused, str(own), str(literal))
        for command in ("diff", "verify", "setup", "lint")
    ]
    hashes = [text for name, text in place.hashes().items() if name.startswith(place.prefix)]
    assert len(hashes) == len(CANARIES)

    literal.unlink()
    files = [file for file in place.folder.rglob("*") if file.is_file() and file.suffix != ".secret"]
    assert {"plan.json", "all.yaml", "lint.sarif"} <= {file.name for file in files}
    texts = [f"{result.stdout}{result.stderr}{result.target}" for result in shown]
    texts += [file.read_text(encoding="utf-8") for file in files]
    for secret in (*CANARIES.values(), other, *hashes):
        assert [text for text in texts if secret in text] == []


def run(attune_infra: Command, place: Place, *words: str) -> Result:
    """Run a command on the document, unless it has another source."""
    has_source = words[:2] in {
        ("setup", "plan.json"),
        ("export", "--all"),
        ("export", "--users"),
        ("import", "all.json"),
    }
    by_option = words[0] in {"graph", "doctor"}
    named = () if has_source else ("--topology", place.document) if by_option else (place.document,)
    return attune_infra(*words, *named, environment=place.environment, folder=place.folder)


def test_an_export_has_hashes_only_if_asked(attune_infra: Command, place: Place) -> None:
    attune_infra("setup", place.document, environment=place.environment)
    hashed = place.hashes()[f"{place.prefix}-env"]
    file = place.folder / "all.yaml"

    whole = attune_infra("export", "--all", "--password-hashes", "--to", str(file))
    assert whole.code == ExitCode.DONE
    assert hashed in file.read_text(encoding="utf-8")
    assert attune_infra("diff", str(file)).code == ExitCode.DONE
    plain = attune_infra("export", "--all", "--to", str(file))
    assert "left out: passwords of users guest" in plain.stderr
    assert hashed not in file.read_text(encoding="utf-8") + plain.stderr
    assert attune_infra("diff", str(file)).code == ExitCode.DONE
    assert attune_infra("export", "--password-hashes").code == ExitCode.WRONG_USAGE


def test_no_process_has_a_secret_in_its_arguments(attune_infra: Command, place: Place) -> None:
    began, ends = place.folder / "began", place.folder / "ends"
    lines = [
        "import os, time",
        f"open('{began}', 'w').close()",
        f"while not os.path.exists('{ends}'): time.sleep(.05)",
    ]
    (program := place.folder / "slow.py").write_text("\n".join(lines), encoding="utf-8")
    slow = f"{{command: ['{sys.executable}', '{program}']}}"
    document = f"users: {{a: {{password: {{env: CANARY}}}}, b: {{password: {slow}}}}}"
    (file := place.folder / "slow.yaml").write_text(document, encoding="utf-8")

    process = attune_infra.start("diff", str(file), environment=place.environment)
    try:
        assert eventually(began.exists, bool)
        found = [each.read_bytes() for each in Path("/proc").glob("[0-9]*/cmdline") if each.exists()]
    finally:
        ends.touch()
        process.communicate()
    assert sum(str(place.folder).encode() in line for line in found) == len(["diff", "slow.py"])
    assert not [line for line in found if b"C4nary" in line]


@pytest.mark.parametrize(
    "words",
    ["lint", "topology check", "topology show --resolved", "graph --topology", "export --topology"],
)
def test_a_command_that_does_not_compare_reads_no_secret(words: str, tmp_path: Path) -> None:
    read = tmp_path / "read"
    (file := tmp_path / "it.yaml").write_text(
        f"users: {{a: {{password: {{command: [touch, '{read}']}}}}, b: {{password: {{env: NOBODY_SETS_THIS}}}}}}",
        encoding="utf-8",
    )

    result = run_in_process([*words.split(), str(file)], {})

    assert "NOBODY_SETS_THIS is not set" not in result.stderr
    assert result.stdout
    assert not read.exists()


def test_users_are_exported_with_their_permissions_and_nothing_of_operators(
    attune_infra: Command, place: Place, vhost: VirtualHost
) -> None:
    attune_infra("setup", place.document, environment=place.environment)
    body = {"pattern": "^jobs$", "definition": {"max-length": 5}, "apply-to": "queues", "priority": 1}
    place.management.put("operator-policies", vhost.name, "capped", body=body)
    file, name = place.folder / "users.yaml", f"{place.prefix}-env"

    plain = attune_infra("export", "--users", "--to", str(file))

    topology = parse(file.read_text(encoding="utf-8"), source="it")
    assert topology.control_kinds == {"user", "permission"}
    assert topology.users[name].tags == frozenset({"management"})
    assert (set(topology.permissions), set(topology.queues)) == ({name, "guest"}, {"jobs"})
    assert "operator policies capped: `export --all` writes them" in plain.stderr
    assert attune_infra("diff", str(file)).code == ExitCode.DONE
    resources = attune_infra("export", "--users", "--format", "kubernetes").stdout
    assert {"kind: User\n", "kind: Permission\n"} <= {f"{line}\n" for line in resources.splitlines()}
    terraform = attune_infra("export", "--users", "--format", "terraform")
    assert 'resource "rabbitmq_permissions"' in terraform.stdout
    assert "left out: users guest, " in terraform.stderr


def test_definitions_hold_users_with_their_hashes_or_the_option_is_refused(
    attune_infra: Command, place: Place, vhost: VirtualHost
) -> None:
    attune_infra("setup", place.document, environment=place.environment)
    export = ("export", "--users", "--format", "definitions")

    refused = attune_infra(*export)
    assert refused.code == ExitCode.WRONG_USAGE
    assert "hint:  add --password-hashes" in refused.stderr
    for form in ("kubernetes", "terraform"):
        assert attune_infra(*export[:-1], form, "--password-hashes").code == ExitCode.WRONG_USAGE

    written = attune_infra(*export, "--password-hashes")
    assert (written.code, "left out" in written.stderr) == (ExitCode.DONE, False)
    found = json.loads(written.stdout)
    assert [each["name"] for each in found["vhosts"]] == [vhost.name]
    hashes = {each["name"]: each["password_hash"] for each in found["users"]}
    assert hashes.items() >= {name: text for name, text in place.hashes().items() if text}.items()
    assert {each["user"] for each in found["permissions"]} == {f"{place.prefix}-env", "guest"}
    offline = attune_infra(*export, "--password-hashes", "--topology", place.document)
    assert [each["vhost"] for each in json.loads(offline.stdout)["permissions"]] == [vhost.name]
    assert "users" not in json.loads(offline.stdout)
    assert "hashes of their passwords, which are not known here" in offline.stderr


def test_users_are_not_exported_by_somebody_who_may_not_see_them(
    attune_infra: Command, place: Place, vhost: VirtualHost
) -> None:
    attune_infra("setup", place.document, environment=place.environment)
    url = vhost.amqp_url.replace("guest:guest", f"{place.prefix}-env:{CANARIES['env']}")

    result = attune_infra("export", "--users", environment={AMQP_URL.variable: url})

    assert (result.code, result.stdout) == (ExitCode.FAILED, "")
    sentence = "lacks the tag administrator, without which RabbitMQ shows no users and permissions\n"
    assert sentence in result.stderr
