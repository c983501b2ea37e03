"""The places that settings come from: flags, a named connection, the environment, the configuration file.

A flag wins over the environment, the environment over the file. A named connection is taken as a whole: with one
chosen, no part of the broker or of the registry comes from the environment or from the rest of the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import InvalidInput, WrongUsage
from attune_infra.files import read_text
from attune_infra.masking import MASK, remember_file, remember_password, remember_proxies, remember_url
from attune_infra.settings.connections import NamedConnection, all_connections, named_connection
from attune_infra.settings.kinds import BETWEEN, kind_of_value, text_of, texts_of
from attune_infra.settings.secrets import at_home, line_of, output_of
from attune_infra.settings.values import (
    AMQP_URL,
    CONFIG_VARIABLE,
    CONNECTION,
    MANAGEMENT_URL,
    TOPOLOGY,
    WORKER_QUEUE_TTL,
    Setting,
)

_BROKER_VARIABLES: Final = tuple(
    setting.variable + end for setting in (AMQP_URL, MANAGEMENT_URL) for end in ("", "_FILE")
)
_OF_NO_SERVER: Final = frozenset({TOPOLOGY, WORKER_QUEUE_TTL})
"""Settings that come from elsewhere if a chosen connection has none."""

_OWN_PLACE: Final = ("attune-infra", "config.yaml")


@dataclass(frozen=True)
class Sources:
    """The flags, the environment and the file of one command."""

    flags: Mapping[Setting, str | None]
    environment: Mapping[str, str]
    config: Path | None = None
    runs_commands: bool = True
    """False if no `password_command` may be run; a password that only it knows is then an `InvalidInput`."""

    @cached_property
    def file(self) -> Path | None:
        """The configuration file: that of --config, of ATTUNE_INFRA_CONFIG, or the user's own if it exists."""
        if self.config is not None:
            return self.config
        if named := self.environment.get(CONFIG_VARIABLE):
            return Path(named)
        if folder := self.environment.get("XDG_CONFIG_HOME"):
            own = Path(folder, *_OWN_PLACE)
        elif home := self.environment.get("HOME"):
            own = Path(home, ".config", *_OWN_PLACE)
        else:
            return None
        return own if own.is_file() else None

    @cached_property
    def document(self) -> Mapping[str, object]:
        return _read(self.file) if self.file else {}

    @cached_property
    def connection(self) -> NamedConnection | None:
        """The connection that was chosen; raise `WrongUsage` or `InvalidInput` if the broker is named twice."""
        flagged = [setting.flag for setting in (AMQP_URL, MANAGEMENT_URL) if self.flags.get(setting)]
        if name := self.flags.get(CONNECTION):
            if flagged:
                raise WrongUsage(
                    f"the broker is named twice, by {CONNECTION.flag} and by {flagged[0]}",
                    hint="give one of them",
                )
            return named_connection(name, self.document, self.file, missing=WrongUsage)
        if flagged:
            return None
        others = [each for each in _BROKER_VARIABLES if self.environment.get(each)]
        name = self.environment.get(CONNECTION.variable)
        if name and others:
            raise InvalidInput(
                f"the broker is named twice, by {CONNECTION.variable}, which is '{name}', and by {others[0]}",
                hint=f"unset one of them, or choose with {CONNECTION.flag} or {AMQP_URL.flag}",
            )
        if not (name or others):
            name = _lookup(self.document, CONNECTION.path, self.file)
        return named_connection(name, self.document, self.file) if name else None

    def connections(self) -> tuple[NamedConnection, ...]:
        """Return all connections of the file."""
        return all_connections(self.document, self.file)

    def find(self, setting: Setting) -> tuple[str | None, str]:
        """Return the value of a setting, None if nothing sets it, and the name of its origin for messages.

        The value of a secret is masked in every message from then on.
        """
        remember_proxies(self.environment)
        value, origin = self._find(setting)
        if value is not None and setting.secret:
            remember = remember_url if setting.flag else remember_password
            remember(value)
        return value, origin

    def find_all(self, setting: Setting) -> tuple[str, ...]:
        """Return the values of a setting that may have several; none if nothing sets it."""
        text, origin = self.find(setting)
        if text is None:
            return ()
        values = text.split(os.pathsep if origin == setting.variable else BETWEEN)
        return tuple(value for value in values if value)

    def _find(self, setting: Setting) -> tuple[str | None, str]:
        if setting.flag and (flag := self.flags.get(setting)):
            return flag, setting.flag
        if self.connection is not None and setting.key is not None:
            found = self._in_connection(self.connection, setting.key, secret=setting.secret)
            if found[0] is not None or setting not in _OF_NO_SERVER:
                return found
        if variable := self.environment.get(setting.variable):
            return variable, setting.variable
        if setting.secret and (name := self.environment.get(f"{setting.variable}_FILE")):
            return line_of(Path(name), f"{setting.variable}_FILE"), f"the file of {setting.variable}_FILE"
        return self._in_file(setting)

    def _in_connection(self, connection: NamedConnection, key: str, *, secret: bool) -> tuple[str | None, str]:
        text, origin = connection.find(key)
        if text is None and secret:
            return self._from_elsewhere({end: connection.find(key + end)[0] for end in _ELSEWHERE}, origin)
        return text, origin

    def _in_file(self, setting: Setting) -> tuple[str | None, str]:
        *above, last = setting.path
        origin = f"{'.'.join(setting.path)} in {self.file}"
        text = _lookup(self.document, setting.path, self.file, repeats=setting.repeats)
        if text is None and setting.secret:
            others = {end: _lookup(self.document, (*above, last + end), self.file) for end in _ELSEWHERE}
            return self._from_elsewhere(others, origin)
        return text, origin

    def _from_elsewhere(self, others: Mapping[str, str | None], origin: str) -> tuple[str | None, str]:
        """Return a secret from the file or from the command that is named beside it."""
        if name := others["_file"]:
            return line_of(at_home(name), f"{origin}_file"), f"the file of {origin}_file"
        if command := others["_command"]:
            if not self.runs_commands:
                raise InvalidInput(f"{origin}_command is not run now", hint="run a command that uses it")
            return output_of(command, f"{origin}_command"), f"the output of {origin}_command"
        return None, origin


_ELSEWHERE: Final = ("_file", "_command")
_QUOTED: Final = re.compile(r"'(?!<)[^']{2,}'")
"""A word of the file in a message about YAML, such as an unknown alias; it may be a password without quotes."""


def _read(config: Path) -> Mapping[str, object]:
    import yaml

    hint = "give the platform's configuration file, a YAML mapping with `message_queue.url`"
    try:
        text = read_text(config)
        remember_file(text)
        document = yaml.safe_load(text)
    except OSError as error:
        raise InvalidInput(f"cannot read {config}: {error.strerror}", hint=hint) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"cannot read {config}: it is not UTF-8 text", hint=hint) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{config}:{mark.line + 1}:{mark.column + 1}" if mark else str(config)
        problem = _QUOTED.sub(f"'{MASK}'", str(error.problem))
        raise InvalidInput(f"{place}: invalid YAML: {problem}", hint=hint) from error
    except yaml.YAMLError as error:
        raise InvalidInput(f"{config}: invalid YAML", hint=hint) from error
    except RecursionError as error:
        raise InvalidInput(f"{config}: nested too deep", hint=hint) from error
    except ValueError as error:
        raise InvalidInput(f"{config}: no such date, or a number of too many digits", hint=hint) from error
    except (AttributeError, IndexError, KeyError, TypeError) as error:  # PyYAML, of `!!int ""` and its like
        raise InvalidInput(f"{config}: a value that its tag (!!) does not fit", hint=hint) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise InvalidInput(f"{config}: expected a mapping, got {kind_of_value(document)}", hint=hint)
    return document


def _lookup(
    document: Mapping[str, object], path: tuple[str, ...], config: Path | None, *, repeats: bool = False
) -> str | None:
    value: object = document
    for depth, key in enumerate(path):
        if not isinstance(value, Mapping):
            raise InvalidInput(
                f"{config}: `{'.'.join(path[:depth])}` expects a mapping, got {kind_of_value(value)}",
                hint=f"write `{'.'.join(path)}` as a key below a mapping",
            )
        value = value.get(key)
        if value is None:
            return None
    return (texts_of if repeats else text_of)(value, ".".join(path), config)
