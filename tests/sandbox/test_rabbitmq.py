"""Finding RabbitMQ, and saying what to do where it is not."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from attune_infra.errors import SandboxError
from attune_infra.sandbox import bound, rabbitmq
from attune_infra.sandbox.rabbitmq import find_installation
from support.under_test import BrokerUnderTest


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(rabbitmq, "_SCRIPTS", ())


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize(
    ("release", "command"),
    [
        ({"ID": "debian"}, "apt-get install rabbitmq-server"),
        ({"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}, "apt-get install rabbitmq-server"),
        ({"ID": "fedora"}, "dnf install rabbitmq-server"),
        ({"ID": "rocky", "ID_LIKE": "rhel centos fedora"}, "dnf install rabbitmq-server"),
        ({"ID": "opensuse-leap", "ID_LIKE": "suse opensuse"}, "zypper install rabbitmq-server"),
        ({"ID": "alpine"}, "apk add rabbitmq-server"),
        ({"ID": "slackware"}, "https://www.rabbitmq.com/docs/download"),
    ],
)
def test_a_missing_broker_names_the_package(
    release: dict[str, str], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)

    with pytest.raises(SandboxError, match="rabbitmq-server is not installed") as caught:
        find_installation()

    assert command in str(caught.value.hint)


@pytest.mark.usefixtures("nothing_installed")
def test_a_mac_has_homebrew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(SandboxError) as caught:
        find_installation()

    assert "brew install rabbitmq" in str(caught.value.hint)


def test_a_broker_without_erlang_is_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("rabbitmq-server", "rabbitmq-env"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(rabbitmq, "_ERLANG", ())

    with pytest.raises(SandboxError, match="no Erlang"):
        find_installation()


def test_a_link_on_the_path_leads_to_the_scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts = tmp_path / "rabbitmq_server-3.13.7/sbin"
    for folder in (scripts, tmp_path / "bin", scripts.parent / "plugins/rabbit-3.13.7"):
        folder.mkdir(parents=True)
    for name in ("rabbitmq-server", "rabbitmq-env"):
        (scripts / name).touch(mode=0o755)
    for name in ("erl", "epmd"):
        (tmp_path / "bin" / name).touch(mode=0o755)
    (tmp_path / "bin/rabbitmq-server").symlink_to(scripts / "rabbitmq-server")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    found = find_installation()

    assert found.scripts == str(scripts)
    assert found.epmd == str(tmp_path / "bin/epmd")
    assert found.version == "3.13.7"


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root enters another root")
def test_a_folder_is_not_a_root_file_system(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="it has no bin/sh"):
        find_installation(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="another root needs Linux")
def test_only_root_enters_another_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(SandboxError, match="only root may enter"):
        find_installation(tmp_path)


@pytest.fixture
def root(under_test: BrokerUnderTest) -> Path:
    if under_test.root is None:
        pytest.skip("--rabbitmq-root names no other root file system")
    return under_test.root


def test_a_broker_from_another_root_leaves_nothing_there(root: Path) -> None:
    before = {folder: sorted(os.listdir(root / folder)) for folder in ("proc", "etc")}  # noqa: PTH208 - names
    with bound(postgres=False, rabbitmq_root=root) as sandbox:
        assert sandbox.node.folder.is_relative_to(root)
        assert sandbox.node.name in sandbox.rabbitmqctl("cluster_status")
        assert str(root) not in Path("/proc/self/mounts").read_text(encoding="utf-8")

        sandbox.kill_broker()
        sandbox.start_broker()

        assert sandbox.node.name in sandbox.rabbitmqctl("cluster_status")
    assert not sandbox.node.folder.exists()
    assert {folder: sorted(os.listdir(root / folder)) for folder in before} == before  # noqa: PTH208 - names


def test_a_broker_from_another_root_keeps_its_data_in_memory_if_told_to(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TemporaryDirectory(prefix="attune-infra-test-", dir="/dev/shm") as memory:
        Path(memory).chmod(0o755)
        monkeypatch.setenv("TMPDIR", memory)
        monkeypatch.setattr(tempfile, "tempdir", None)

        with bound(postgres=False, rabbitmq_root=root) as sandbox:
            assert Path(memory) in sandbox.node.folder.parents
            assert any((sandbox.node.folder / "data").iterdir())
            assert sandbox.node.name in sandbox.rabbitmqctl("cluster_status")

        assert not sandbox.node.folder.exists()
