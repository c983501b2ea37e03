"""The registry on a real PostgreSQL, with each form of the table that is in use."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from attune_infra.errors import InvalidInput, RegistryError, RegistryUnreachable, WorkerNotRegistered
from attune_infra.fleet.register import RegisteredWorker, Registration, WorkerType
from attune_infra.fleet.registry import RegistryTable
from attune_infra.registry.workers import PostgresRegistry

EARLY = """
    CREATE TYPE worker_type_enum AS ENUM ('local', 'remote', 'container');
    CREATE TYPE worker_status_enum AS ENUM ('active', 'inactive', 'busy', 'error');
    CREATE TABLE worker (
        id BIGSERIAL PRIMARY KEY, name TEXT NOT NULL, worker_type worker_type_enum NOT NULL, runtime BIGINT,
        host TEXT, port INTEGER, status worker_status_enum DEFAULT 'inactive', capabilities JSONB, meta JSONB,
        last_heartbeat TIMESTAMPTZ, created TIMESTAMPTZ NOT NULL DEFAULT now(),
        updated TIMESTAMPTZ NOT NULL DEFAULT now(), CHECK (port IS NULL OR (port > 0 AND port <= 65535))
    );
"""
LATER = """
    CREATE TYPE worker_role_enum AS ENUM ('action', 'sensor', 'hybrid');
""" + EARLY.replace(
    "name TEXT NOT NULL,", "name TEXT NOT NULL UNIQUE, worker_role worker_role_enum NOT NULL,"
).replace("DEFAULT 'inactive'", "NOT NULL DEFAULT 'active'").replace(
    "meta JSONB,",
    "meta JSONB, cordoned BOOLEAN NOT NULL DEFAULT FALSE, cordon_reason TEXT, cordoned_by BIGINT,"
    " cordoned_at TIMESTAMPTZ,",
)


@pytest.fixture(params=["early", "later", "ours", "in schema attune"])
def url(request: pytest.FixtureRequest, database_url: str) -> str:
    """The URL of a database with a table `worker` in one of its forms."""
    if request.param == "ours":
        with opened(database_url) as registry:
            registry.create()
        return database_url
    with psycopg.connect(database_url) as connection:
        if request.param == "in schema attune":
            database_url += "?options=-csearch_path%3Dattune"
            connection.execute("CREATE SCHEMA attune; SET search_path TO attune")
        connection.execute(EARLY if request.param == "early" else LATER)
    return database_url


@pytest.fixture
def registry(url: str) -> Iterator[PostgresRegistry]:
    with opened(url) as registry:
        yield registry


def opened(url: str, timeout: float = 10) -> PostgresRegistry:
    registry = PostgresRegistry(url, timeout=timeout)
    registry.open()
    return registry


def rows(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT id, name, worker_type, host, port, status, capabilities, last_heartbeat"
            " FROM worker ORDER BY id"
        ).fetchall()


def test_a_new_name_is_a_new_row(registry: PostgresRegistry, url: str) -> None:
    worker = registry.register(
        Registration(
            name="w", worker_type=WorkerType.CONTAINER, host="h", port=80, capabilities={"runtimes": ["python"]}
        )
    )

    now = datetime.now(UTC)
    assert worker == RegisteredWorker(id=1, name="w", created=worker.created, new=True)
    assert abs(now - worker.created) < timedelta(minutes=1)
    [(*row, heartbeat)] = rows(url)
    assert row == [1, "w", "container", "h", 80, "active", {"runtimes": ["python"]}]
    assert abs(now - heartbeat) < timedelta(minutes=1)


def test_a_known_name_updates_its_row_and_keeps_values_not_given(registry: PostgresRegistry, url: str) -> None:
    first = registry.register(
        Registration(name="w", worker_type=WorkerType.REMOTE, host="h", port=80, capabilities={"a": 1})
    )
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE worker SET status = 'error', last_heartbeat = NULL")

    second = registry.register(Registration(name="w", port=81))

    assert (second.id, second.created, second.new) == (first.id, first.created, False)
    [(*row, heartbeat)] = rows(url)
    assert row == [1, "w", "remote", "h", 81, "active", {"a": 1}]
    assert heartbeat is not None


def test_many_registrations_of_one_name_at_once_are_one_row(url: str) -> None:
    def register(number: int) -> RegisteredWorker:
        with opened(url) as registry:
            return registry.register(Registration(name="w", port=number + 1))

    with ThreadPoolExecutor(16) as threads:
        workers = list(threads.map(register, range(32)))

    assert {worker.id for worker in workers} == {1}
    assert sum(worker.new for worker in workers) == 1
    assert len(rows(url)) == 1


@pytest.mark.parametrize("url", ["later", "ours"], indirect=True)
def test_a_foreign_writer_of_the_same_name_is_waited_for(url: str) -> None:
    """A service that does not know our lock inserts a row and commits while we register the same name."""
    with psycopg.connect(url) as connection:
        connection.execute("INSERT INTO worker (name, worker_type, worker_role) VALUES ('w', 'local', 'action')")
        with opened(url) as registry, ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(registry.register, Registration(name="w"))
            blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            with psycopg.connect(url, autocommit=True) as watcher:
                while watcher.execute(blocked).fetchone() == (0,):
                    pass
            connection.commit()
            assert waiting.result(timeout=10).new is False
    assert len(rows(url)) == 1


def test_many_new_workers_are_inserted_at_once(registry: PostgresRegistry, url: str) -> None:
    described = Registration(
        name="w{n}", worker_type=WorkerType.REMOTE, host="h", port=80, capabilities={"runtimes": ["python"]}
    )

    workers = registry.register_new(["w1", "w2", "w10", "w3"], described).workers

    assert [(worker.id, worker.name, worker.new) for worker in workers] == [
        (1, "w1", True),
        (2, "w2", True),
        (3, "w10", True),
        (4, "w3", True),
    ]
    alone = registry.register(replace(described, name="alone"))
    first, *_, last = rows(url)
    assert (first[2:7], first[7] is not None) == (last[2:7], True)
    assert alone.id == 5
    assert registry.register_new(["plain"], Registration(name="plain")).workers[0].id == 6
    assert rows(url)[-1][2:7] == ("local", None, None, "active", None)


def test_many_are_not_inserted_if_one_has_a_row(registry: PostgresRegistry, url: str) -> None:
    registry.register_new(["w1", "w3"], Registration(name="w"))
    before = rows(url)

    with pytest.raises(RegistryError, match=r"^2 of the names have a worker already: w1, w3; nothing was"):
        registry.register_new(["w0", "w1", "w2", "w3"], Registration(name="w", port=99))

    assert rows(url) == before


def test_many_and_single_registrations_at_once_give_each_name_one_row(url: str) -> None:
    names = [f"w{number}" for number in range(200)]

    def register(number: int) -> None:
        with opened(url) as registry:
            if number % 4:
                registry.register(Registration(name=names[number]))
                return
            with suppress(RegistryError):
                registry.register_new(names, Registration(name="w"))

    with ThreadPoolExecutor(12) as threads:
        list(threads.map(register, range(24)))

    found = [row[1] for row in rows(url)]
    assert len(found) == len(set(found))
    assert {names[number] for number in range(24) if number % 4} <= set(found)


def test_names_are_data(registry: PostgresRegistry, url: str) -> None:
    name = "'; DROP TABLE worker; -- %s %(name)s 🐰"

    assert registry.register(Registration(name=name)).name == name
    assert rows(url)[0][1] == name


def test_missing_ids_are_returned(registry: PostgresRegistry) -> None:
    registry.register(Registration(name="w"))

    assert registry.missing([3, 1, 2**63 - 1]) == (3, 2**63 - 1)
    assert registry.missing([1]) == ()


def test_an_existing_table_is_not_changed(registry: PostgresRegistry, url: str) -> None:
    registry.register(Registration(name="w"))

    assert registry.create() == RegistryTable(new=False)
    assert len(rows(url)) == 1


def test_many_clients_create_the_table_once(database_url: str) -> None:
    def create(_: int) -> RegistryTable:
        with opened(database_url) as registry:
            return registry.create()

    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(create, range(8)))

    assert sum(table.new for table in made) == 1


def test_a_missing_table_is_an_error_with_a_hint(database_url: str) -> None:
    with opened(database_url) as registry, pytest.raises(RegistryError) as caught:
        registry.register(Registration(name="w"))

    assert caught.value.sentence.startswith("there is no table `worker` on the search path")
    assert caught.value.hint is not None
    assert "registry init" in caught.value.hint


def test_a_name_that_postgresql_cannot_store_is_refused(registry: PostgresRegistry, url: str) -> None:
    with pytest.raises(RegistryError, match="NUL"):
        registry.register(Registration(name="a\0b"))
    assert rows(url) == []


def test_an_unreachable_database_may_start_later() -> None:
    with pytest.raises(RegistryUnreachable, match=r"cannot reach the database: .*Connection refused"):
        opened("postgresql://u:s3cret@127.0.0.1:1/d")


def test_a_missing_database_is_a_permanent_failure(database_url: str) -> None:
    with pytest.raises(RegistryError, match="does not exist") as caught:
        opened(database_url + "x")
    assert not isinstance(caught.value, RegistryUnreachable)


def test_an_error_does_not_repeat_an_invalid_url() -> None:
    with pytest.raises(InvalidInput) as caught:
        opened("postgresql://u:s3cret%zz@127.0.0.1/d")
    assert "s3cret" not in f"{caught.value.sentence} {caught.value.hint}"


def test_a_user_without_permissions_is_told_the_needed_ones(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP ROLE IF EXISTS nobody_here; CREATE ROLE nobody_here")
    with opened(url) as registry:
        registry._connection.execute("SET ROLE nobody_here")
        with pytest.raises(RegistryError) as caught:
            registry.missing([1])
    assert caught.value.hint is not None
    assert "GRANT SELECT ON TABLE" in caught.value.hint or "GRANT USAGE ON SCHEMA" in caught.value.hint


def test_workers_are_listed_with_the_age_of_their_heartbeats(registry: PostgresRegistry, url: str) -> None:
    for name in ("a", "b"):
        registry.register(Registration(name=name))
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE worker SET last_heartbeat = now() - interval '100 s' WHERE name = 'a'")
        connection.execute("UPDATE worker SET last_heartbeat = NULL, status = 'busy' WHERE name = 'b'")

    first, second = registry.workers().values()

    assert first.heartbeat_age is not None
    assert 100 <= first.heartbeat_age < 160
    assert (second.id, second.name, second.status, second.heartbeat_age) == (2, "b", "busy", None)
    assert not first.cordoned


@pytest.mark.parametrize("url", ["later", "ours"], indirect=True)
def test_cordoned_workers_are_read_if_the_table_has_the_column(registry: PostgresRegistry, url: str) -> None:
    registry.register(Registration(name="a"))
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE worker SET cordoned = true")

    assert registry.workers()[1].cordoned


def test_a_heartbeat_is_recorded_for_registered_workers_only(registry: PostgresRegistry, url: str) -> None:
    registry.register(Registration(name="a"))
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE worker SET last_heartbeat = NULL, status = 'busy'")

    assert registry.heartbeat(1)
    assert not registry.heartbeat(2)
    worker = registry.workers()[1]
    assert worker.heartbeat_age is not None
    assert worker.status == "busy"


def test_deregistering_keeps_rows_and_is_all_or_nothing(registry: PostgresRegistry) -> None:
    for name in ("a", "b"):
        registry.register(Registration(name=name))

    with pytest.raises(WorkerNotRegistered, match="not in the registry: 7, x; nothing was changed"):
        registry.deregister([1, 7], ["x"])
    assert registry.workers()[1].status == "active"

    assert [each.id for each in registry.deregister([1], ["b"]).workers] == [1, 2]
    assert {member.status for member in registry.workers().values()} == {"inactive"}


def test_a_registration_is_undone_if_its_block_fails(registry: PostgresRegistry) -> None:
    registry.register(Registration(name="old"))
    registry.deregister(names=["old"])

    for name in ("old", "new"):
        with pytest.raises(WorkerNotRegistered), registry.registering(Registration(name=name)) as worker:
            registry.deregister([worker.id, 99])

    assert [(each.name, each.status) for each in registry.workers().values()] == [("old", "inactive")]


@pytest.mark.parametrize("schema", ["attune", "Of its own; \"DROP\" 'x'"])
def test_a_given_schema_is_created_and_the_search_path_ignored(database_url: str, schema: str) -> None:
    with opened(database_url) as registry:
        registry.create()
        registry.register(Registration(name="public"))
    within = PostgresRegistry(database_url, timeout=10, schema=schema)
    within.open()
    with within, pytest.raises(RegistryError, match="there is no table `worker` on the search path"):
        within.workers()

    within.open()
    with within:
        assert within.create() == RegistryTable(new=True)
        assert within.create() == RegistryTable(new=False)
        assert within.register(Registration(name="mine")).id == 1
        assert [each.name for each in within.workers().values()] == ["mine"]
