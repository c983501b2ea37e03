"""The command that installs RabbitMQ on this platform."""

from __future__ import annotations

import platform
import sys
from typing import Final

_COMMANDS: Final = {
    "debian": "apt-get install rabbitmq-server",
    "ubuntu": "apt-get install rabbitmq-server",
    "fedora": "dnf install rabbitmq-server",
    "rhel": "dnf install rabbitmq-server",
    "centos": "dnf install rabbitmq-server",
    "suse": "zypper install rabbitmq-server",
    "opensuse": "zypper install rabbitmq-server",
    "alpine": "apk add rabbitmq-server",
    "arch": "pacman -S rabbitmq",
    "gentoo": "emerge net-misc/rabbitmq-server",
}


def install_hint() -> str:
    """Return a hint with the command for this platform, or with the page that has it."""
    if sys.platform == "darwin":
        return "install it with: brew install rabbitmq"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    for distribution in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        if command := _COMMANDS.get(distribution.split("-")[0]):
            return f"install it with: {command}; a sandbox does not need its service"
    return "see https://www.rabbitmq.com/docs/download for the way to install it"
