"""Named connections of the configuration file: each names a broker, and perhaps a registry, as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from attune_infra.dataclass import dataclass
from attune_infra.errors import AttuneError, InvalidInput
from attune_infra.settings import values
from attune_infra.settings.kinds import kind_of_value, text_of, texts_of

_PROTECTED: Final = "protected"
_SETTINGS: Final = {
    setting.key: setting
    for setting in vars(values).values()
    if isinstance(setting, values.Setting) and setting.key is not None
}
_COMMANDS: Final = tuple(f"{setting.key}_command" for setting in (values.PASSWORD, values.DATABASE_PASSWORD))
_FILES: Final = tuple(f"{key}_file" for key, setting in _SETTINGS.items() if setting.secret)
_REPEATED: Final = frozenset(key for key, setting in _SETTINGS.items() if setting.repeats)
_KEYS: Final = (*_SETTINGS, *_FILES, *_COMMANDS, _PROTECTED)


@dataclass(frozen=True, slots=True)
class NamedConnection:
    """One entry of `connections`."""

    name: str
    entries: Mapping[str, str]
    protected: bool
    origin: str

    def find(self, key: str) -> tuple[str | None, str]:
        """Return the text of a key, and the place of it for messages."""
        return self.entries.get(key), f"{self.origin}.{key}"


def named_connection(
    name: str, document: Mapping[str, object], config: Path | None, *, missing: type[AttuneError] = InvalidInput
) -> NamedConnection:
    """Return a connection; raise `missing` if there is none of this name, `InvalidInput` for a wrong entry."""
    found = _connections(document, config)
    if name not in found:
        where = f"{config} holds none" if config else "no configuration file is given"
        known = f"{config} has: {', '.join(found)}{_similar(name, found)}" if found else where
        raise missing(
            f"there is no connection '{name}': {known}",
            hint="`attune-infra connections` lists them; --config or ATTUNE_INFRA_CONFIG names the file",
        )
    return found[name]


def all_connections(document: Mapping[str, object], config: Path | None) -> tuple[NamedConnection, ...]:
    return tuple(_connections(document, config).values())


def _connections(document: Mapping[str, object], config: Path | None) -> dict[str, NamedConnection]:
    entries = document.get("connections")
    if entries is None:
        return {}
    if not isinstance(entries, Mapping):
        raise InvalidInput(
            f"{config}: `connections` expects a mapping, got {kind_of_value(entries)}",
            hint="write it as `connections: {staging: {url: amqp://USER@HOST/VHOST}}`",
        )
    return {str(name): _connection(str(name), entry, config) for name, entry in entries.items()}


def _connection(name: str, entry: object, config: Path | None) -> NamedConnection:
    place = f"connections.{name}"
    if not isinstance(entry, Mapping):
        raise InvalidInput(
            f"{config}: `{place}` expects a mapping, got {kind_of_value(entry)}",
            hint=f"give it a `url`, as in `{name}: {{url: amqp://USER@HOST/VHOST}}`",
        )
    for key in entry:
        if key not in _KEYS:
            raise InvalidInput(
                f"{config}: `{place}` has no key '{key}'{_similar(str(key), _KEYS)}",
                hint=f"the keys of a connection are {', '.join(_KEYS)}",
            )
    protected = entry.get(_PROTECTED, False)
    if not isinstance(protected, bool):
        raise InvalidInput(
            f"{config}: `{place}.{_PROTECTED}` expects a boolean, got {kind_of_value(protected)}",
            hint="write true or false, without quotes",
        )
    if not any(key in entry for key in ("url", "url_file")):
        raise InvalidInput(
            f"{config}: `{place}` has no `url`", hint=f"give it one: `{place}.url: amqp://USER@HOST/VHOST`"
        )
    texts = {
        str(key): (texts_of if key in _REPEATED else text_of)(value, f"{place}.{key}", config)
        for key, value in entry.items()
        if key != _PROTECTED and value is not None
    }
    return NamedConnection(name, texts, protected, f"{config}: {place}")


def _similar(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), n=1)
    return f"; did you mean '{found[0]}'?" if found else ""
