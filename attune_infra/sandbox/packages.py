"""How to install RabbitMQ here: the package by the name it has on this platform."""

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


def how_to_install() -> str:
    """Return a hint that names the command for this platform, or the place to look."""
    if sys.platform == "darwin":
        return "`brew install rabbitmq` installs it"
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    for distribution in (release.get("ID", ""), *release.get("ID_LIKE", "").split()):
        if command := _COMMANDS.get(distribution.split("-")[0]):
            return f"`{command}` installs it; its service need not run, and may"
    return "https://www.rabbitmq.com/docs/download says how to install it"
