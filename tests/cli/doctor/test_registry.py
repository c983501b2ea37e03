"""`doctor` and the registry: the database, the table, and the grants of a role; the lines mend them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from secrets import token_hex
from urllib.parse import urlsplit

import pytest

from attune_infra.settings import DATABASE_URL
from support.as_a_user import Command
from support.patients import findings, only_problem, problems, run_sql
from support.servers import closed_port

pytestmark = pytest.mark.any_broker
JSON = ("doctor", "-o", "json")


@dataclass(frozen=True)
class Role:
    """A role of PostgreSQL that owns nothing, and the database as its owner sees it."""

    name: str
    owner: Command
    command: Command
    database_url: str

    def run(self, *lines: str) -> None:
        """Run fix lines as the owner."""
        for line in lines:
            if line.startswith("attune-infra "):
                assert self.owner(*line.split()[1:]).code == 0
            else:
                run_sql(self.database_url, line)


@pytest.fixture
def role(attune_infra: Command, database_url: str) -> Iterator[Role]:
    name = f"Role {token_hex(4)}"
    run_sql(database_url, f"CREATE ROLE \"{name}\" LOGIN PASSWORD 's3cret'")
    parts = urlsplit(database_url)
    url = parts._replace(netloc=f"{name.replace(' ', '%20')}:s3cret@{parts.netloc.rpartition('@')[2]}").geturl()
    owner, command = (
        Command({**attune_infra.environment, DATABASE_URL.variable: each}) for each in (database_url, url)
    )
    yield Role(name, owner, command, database_url)
    run_sql(database_url, f'DROP OWNED BY "{name}"', f'DROP ROLE "{name}"')


def test_a_database_that_does_not_answer(attune_infra: Command) -> None:
    url = f"postgresql://u:p@127.0.0.1:{closed_port()}/d"

    result = attune_infra(*JSON, "--database-url", url)

    found = only_problem(result)
    assert (found["section"], found["name"]) == ("registry", "database")
    assert "cannot reach the database" in found["detail"]
    assert attune_infra(*JSON, "worker", "register", "--database-url", url).code == 1  # nothing else was asked


def test_a_wrong_password(attune_infra: Command, database_url: str) -> None:
    url = urlsplit(database_url)._replace(netloc="nobody:wrong@" + urlsplit(database_url).netloc.split("@")[1])

    found = only_problem(attune_infra(*JSON, "worker", "list", "--database-url", url.geturl()))

    assert found["section"] == "registry"
    assert "nobody" in found["detail"]


def test_no_table(role: Role) -> None:
    """Before `registry init`, all is well as long as the role may create the table."""
    assert problems(role.owner(*JSON)) == []
    found = only_problem(role.owner(*JSON, "worker", "register"))
    assert found["detail"].startswith("it is not on the search path")

    role.run(*found["run"])

    assert findings(role.owner(*JSON, "worker", "register")) == []


def test_a_role_that_may_not_create_the_table(role: Role) -> None:
    run_sql(role.database_url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    found = only_problem(role.command(*JSON, "registry", "init"))
    assert found["run"] == [f'GRANT CREATE ON SCHEMA "public" TO "{role.name}";']

    role.run(*found["run"])

    assert findings(role.command(*JSON, "registry", "init")) == []
    assert role.command("registry", "init").code == 0


@pytest.mark.parametrize(
    ("command", "privileges"),
    [
        (("worker", "list"), "SELECT"),
        (("worker", "deregister"), "SELECT, UPDATE"),
        (("worker", "register"), "SELECT, INSERT, UPDATE"),
    ],
)
def test_grants_that_are_lacking(role: Role, command: tuple[str, ...], privileges: str) -> None:
    assert role.owner("registry", "init").code == 0
    found = problems(role.command(*JSON, *command))
    assert found[0]["run"] == [f'GRANT {privileges} ON "public".worker TO "{role.name}";']

    for each in found:
        role.run(*each["run"])

    assert findings(role.command(*JSON, *command)) == []
    if command == ("worker", "register"):
        assert len(found) == 2  # the sequence of ids has a grant of its own
        assert role.command("worker", "register", "--name", "w").code == 0


def test_a_schema_that_the_role_may_not_use(role: Role) -> None:
    own = ("--schema", "platform")
    assert role.owner("registry", "init", *own).code == 0
    found = only_problem(role.command(*JSON, "worker", "list", *own))
    assert found["run"] == [f'GRANT USAGE ON SCHEMA "platform" TO "{role.name}";']

    role.run(*found["run"])

    assert only_problem(role.command(*JSON, "worker", "list", *own))["name"] == "grants"


def test_a_table_in_another_schema(role: Role) -> None:
    assert role.owner("registry", "init", "--schema", "platform").code == 0

    found = only_problem(role.owner(*JSON))

    assert "there is one in schema platform" in found["detail"]
    assert "give --schema platform" in found["fix"]


@pytest.mark.parametrize("column", ["last_heartbeat", "capabilities", "updated", "status"])
def test_a_missing_column(role: Role, column: str) -> None:
    assert role.owner("registry", "init").code == 0
    run_sql(role.database_url, f"ALTER TABLE worker DROP COLUMN {column}")
    found = only_problem(role.owner(*JSON, "worker", "register"))
    assert found["detail"] == f"column {column} is missing"

    role.run(*found["run"])

    assert findings(role.owner(*JSON, "worker", "register")) == []
    assert role.owner("worker", "register", "--name", "w").code == 0


def test_a_name_that_is_not_unique_is_a_warning(role: Role) -> None:
    """The early form of the table has no unique name, and works."""
    assert role.owner("registry", "init").code == 0
    run_sql(role.database_url, "ALTER TABLE worker DROP CONSTRAINT worker_name_key")
    result = role.owner(*JSON, "worker", "register")
    [found] = findings(result)
    assert (result.code, found["name"], found["verdict"]) == (0, "unique name", "warning")

    role.run(*found["run"])

    assert findings(role.owner(*JSON, "worker", "register")) == []


def test_a_database_that_takes_no_changes(role: Role) -> None:
    assert role.owner("registry", "init").code == 0
    name = urlsplit(role.database_url).path[1:]
    run_sql(role.database_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")

    assert only_problem(role.owner(*JSON, "worker", "register"))["name"] == "read-only database"
    assert problems(role.owner(*JSON, "worker", "list")) == []
    run_sql(role.database_url, "SET default_transaction_read_only = off", f"ALTER DATABASE {name} RESET ALL")
