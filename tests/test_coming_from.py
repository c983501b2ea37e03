"""The tables for people who know another tool: its command and ours lead to the same broker."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from support.as_a_user import Command
from support.folders import ROOT
from support.virtual_host import VirtualHost, create_virtual_host

PAGE = (ROOT / "docs/coming-from.md").read_text(encoding="utf-8")
RABBITMQADMIN = shutil.which("rabbitmqadmin")

pytestmark = [
    pytest.mark.any_broker,
    pytest.mark.skipif(RABBITMQADMIN is None, reason="the package of this RabbitMQ has no rabbitmqadmin"),
]


class Row(NamedTuple):
    """A row of a table."""

    job: str
    theirs: str
    ours: str


def rows() -> list[Row]:
    section = PAGE.partition("## rabbitmqadmin")[2].partition("\n## ")[0]
    return [Row(*found) for found in re.findall(r"^\| (.+?) \| `(.+?)` \| (.+?) \|$", section, re.MULTILINE)]


DECLARING = [row for row in rows() if row.theirs.startswith("declare ")]
ASKING = [row for row in rows() if row.ours.startswith("`attune-infra ")]


@pytest.fixture
def plain(vhost: VirtualHost) -> Iterator[VirtualHost]:
    """A virtual host without a space in its name, which rabbitmqadmin cannot list."""
    with create_virtual_host(vhost, f"plain-{token_hex(4)}") as made:
        yield made


def rabbitmqadmin(vhost: VirtualHost, line: str, folder: Path) -> None:
    where = urlsplit(vhost.management_url)
    target = ["-H", str(where.hostname), "-P", str(where.port), "-V", vhost.name, "-u", "guest", "-p", "guest"]
    words = shlex.split(line.replace('"', '\\"'))
    subprocess.run([str(RABBITMQADMIN), *target, *words], check=True, cwd=folder, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize("row", DECLARING, ids=[row.job for row in DECLARING])
def test_a_declaration_of_theirs_is_a_line_of_a_document(
    attune_infra: Command, vhost: VirtualHost, tmp_path: Path, row: Row
) -> None:
    document = row.ours.strip("`")
    if row.theirs.startswith("declare binding"):
        rabbitmqadmin(vhost, "declare queue name=jobs durable=true", tmp_path)
    rabbitmqadmin(vhost, row.theirs, tmp_path)
    (tmp_path / "a.yaml").write_text(f"{document}\n", encoding="utf-8")

    compared = attune_infra("diff", str(tmp_path / "a.yaml"))

    assert compared.code == 0, (row.job, compared.stdout, compared.stderr)
    assert attune_infra("verify", str(tmp_path / "a.yaml"), "--strict").code == 0


@pytest.mark.parametrize("row", ASKING, ids=[row.job for row in ASKING])
def test_a_question_of_theirs_has_a_command_of_ours(plain: VirtualHost, tmp_path: Path, row: Row) -> None:
    rabbitmqadmin(plain, "declare queue name=jobs durable=true", tmp_path)
    rabbitmqadmin(plain, "declare binding source=amq.topic destination=jobs routing_key=job.#", tmp_path)
    rabbitmqadmin(plain, row.theirs, tmp_path)

    for command in re.findall(r"`attune-infra (.+?)`", row.ours):
        assert Command(plain.environment)(*command.split(), folder=tmp_path).code == 0, row.job


def test_a_queue_of_theirs_is_deleted_by_ours(attune_infra: Command, vhost: VirtualHost, tmp_path: Path) -> None:
    [row] = [row for row in rows() if row.theirs.startswith("delete ")]
    assert "attune-infra setup FILE --prune --allow-destructive" in row.ours
    rabbitmqadmin(vhost, "declare queue name=jobs durable=true", tmp_path)
    (tmp_path / "a.yaml").write_text("manages: [jobs]\nqueues: {}\n", encoding="utf-8")

    deleted = attune_infra("setup", str(tmp_path / "a.yaml"), "--prune", "--allow-destructive", "--yes")

    assert deleted.lines == ["- queue jobs: deleted", "1 object: 1 deleted"]
    rabbitmqadmin(vhost, "declare queue name=jobs durable=true", tmp_path)
    rabbitmqadmin(vhost, row.theirs, tmp_path)


def test_no_row_is_left_out() -> None:
    assert len(DECLARING) == 8
    assert len(ASKING) == 4
