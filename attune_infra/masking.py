"""Passwords, and the mask that keeps them out of every message.

A text that is given as a URL or as a password is remembered here when it is read. Errors, log lines and everything
else for people and machines pass through `masked`. A URL that is well formed has one secret, its password. Of any
other, nobody knows where the password ended up, so all its words are secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

MASK: Final = "***"

_MIN_WORD: Final = 4
"""Characters of the shortest word that is masked; shorter ones stand in every sentence."""

_SCHEMES: Final = "amqps?|https?|postgres(?:ql)?|socks[45][ah]?"
_PLAIN_WORDS: Final = """
    address amqp amqps attune attune-infra character characters connection database dbname encoded false from guest
    host http https infra localhost management message name none part parts password path percent-encoded port
    postgres postgresql rabbitmq read start supported true user vhost virtual which with write
    127.0.0.1 5432 5671 5672 15671 15672
"""
"""Words of our own sentences, and defaults. To mask them would tell more than to print them."""

_PLAIN_PASSWORD: Final = re.compile(r"[a-z-]{1,11}")
_HOSTS: Final = r"(?:(?:(?:[\w.-]|%2F)*|\[[0-9a-f:.%]+\])(?::\d{0,5})?(?:,(?!/)|(?=[/?]|$)))*"
_PLAIN: Final = re.compile(
    rf"[a-z]+://{_HOSTS}(?:/(?:(?!%40|%3A)[^@:?#\x00-\x1f])*)?(?:\?(?:password=|(?!pas)[^@#\x00-\x1f])*)?",
    re.IGNORECASE,
)
"""A URL without credentials, and without anything that looks like them."""
_USER_ONLY: Final = rf"(?i)[a-z]+://(?:(?!%3A|%2F|%40)[^:/?#@\[\]\s;,|])*@{_HOSTS}(?:[/?][^@]*)?"
"""A text, like others below: most commands do without it, so Python compiles it when it is needed."""
_COMPLETE: Final = re.compile(
    rf"[a-z]+://([^:/?#@\[\]\s]*):([^/?#@\[\]\s]+)@{_HOSTS}(?:[/?][^@]*)?", re.IGNORECASE
)
_TWO_ATS: Final = r"(?i)[a-z]+://([^/?#]*@[^/?#]*@[^/?#:]*)(?::\d+)?(?:/[^@]*)?"
_PASSWORD_IN_QUERY: Final = re.compile(r"[?&]password=([^&#]*)")
_WORD: Final = re.compile(rf"[A-Za-z0-9_.-]{{{_MIN_WORD},}}")
_ESCAPES: Final = (r"%[0-9A-Fa-f]{2}", r"\\x[0-9a-f]{2}", r"\\u[0-9a-f]{4}", r"\\[abfnrtv0]")
_BEGIN: Final = rf"(?:(?<![\w-])(?<!\w\.)|{'|'.join(f'(?<={each})' for each in _ESCAPES)})"
_END: Final = r"(?![\w-]|\.\w)"
_LIKE_A_URL: Final = re.compile(r"[a-z]:/|:.*@|password\s*=", re.DOTALL)
_BETWEEN_URLS: Final = re.compile(rf",(?=(?:{_SCHEMES})://)", re.IGNORECASE)
_BETWEEN_WORDS: Final = re.compile(r"[\s'\"{}]+")
_PROXIES: Final = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_SHOWN: Final = rf"(?i)\b(?P<scheme>{_SCHEMES})://(?!USER\b|guest:guest@localhost)[^\s'\"`]*@"
"""A URL with credentials, wherever it comes from."""


class _Memory:
    """Texts and words that no message may hold."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        """Whole texts, with their replacements."""
        self._words: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        """All of these; None until a text is to be masked."""

    def add(self, *, url: str = "", words: Iterable[str] = ()) -> None:
        new_texts = {text: shown for text, shown in _forms_of(url) if text not in self._texts}
        new_words = {word for word in words if _is_secret(word)} - self._words
        if new_texts or new_words:
            self._texts |= new_texts
            self._words |= new_words
            self._pattern = None

    def mask(self, text: str) -> str:
        if self.is_empty:
            return text
        self._pattern = self._pattern or self._compile()
        return self._pattern.sub(lambda found: self._texts.get(found[0], MASK), text)

    @property
    def is_empty(self) -> bool:
        return not (self._texts or self._words)

    def clear(self) -> None:
        self._texts.clear()
        self._words.clear()
        self._pattern = None

    def _compile(self) -> re.Pattern[str]:
        parts = [re.escape(each) for each in sorted(self._texts, key=len, reverse=True)]
        if self._words:
            words = "|".join(re.escape(each) for each in sorted(self._words, key=len, reverse=True))
            parts.append(f"{_BEGIN}(?:{words}){_END}")
        return re.compile("|".join(parts), re.IGNORECASE)


_PASSWORDS: Final = _Memory()
"""Passwords of good URLs. An object of a broker may have the same name, so results are printed with them."""
_ODD: Final = _Memory()
"""The words of URLs in which the password may be anywhere."""


def separate_urls(text: str) -> list[str]:
    """Return each of several URLs that are joined by commas; a text without them is the only one."""
    return _BETWEEN_URLS.split(text)


def remember_url(text: str) -> None:
    """Remember a text that is given as a URL, or as several URLs."""
    urls = separate_urls(text)
    if all(_is_good(each) for each in urls):
        for each in urls:
            _remember_one(each)
    else:
        _remember_one(text)


def _is_good(url: str) -> bool:
    return any(re.fullmatch(form, url) for form in (_PLAIN, _COMPLETE, _USER_ONLY))


def _remember_one(text: str) -> None:
    for found in _PASSWORD_IN_QUERY.findall(text):
        remember_password(found)
    if _PLAIN.fullmatch(text):
        return
    if complete := _COMPLETE.fullmatch(text):
        user, password = complete.groups()
        _PASSWORDS.add(url=text)
        if user.lower() != password.lower():
            remember_password(password)
    elif re.fullmatch(_USER_ONLY, text):
        _PASSWORDS.add(url=text)
    elif two_ats := re.fullmatch(_TWO_ATS, text):
        _ODD.add(url=text, words=_words_of(two_ats[1]))
    else:
        _ODD.add(url=text, words=_words_of(text))


def remember_password(text: str) -> None:
    """Remember a password, as it is given, decoded, and encoded.

    A word such as `orders` is left out: no message shows a password that is in its place, but all have words.
    """
    from urllib.parse import quote, unquote

    if _PLAIN_PASSWORD.fullmatch(text):
        return
    forms = (text, unquote(text))
    _PASSWORDS.add(words=(*forms, *(quote(each, safe="", errors="replace") for each in forms)))


def remember_command_line(words: Iterable[str]) -> None:
    """Remember the words of a command line that look like URLs with credentials, and those that are no option."""
    is_value = False
    for word in words:
        option, _, value = word.partition("=")
        url = value if option.startswith("-") else word
        if _LIKE_A_URL.search(url):
            remember_url(url)
            if not is_value:
                _ODD.add(url=url)
        is_value = word.startswith("-")


def remember_file(text: str) -> None:
    """Remember the URLs of a file, in case that a message quotes one as a whole."""
    for word in _BETWEEN_WORDS.split(text):
        if "://" in word and not _PLAIN.fullmatch(word):
            _PASSWORDS.add(url=word)


def has_credentials(text: str) -> bool:
    """Return whether a text is a URL with a password, or one in which a password may be anywhere."""
    if "://" not in text:
        return False
    is_open = _PLAIN.fullmatch(text) or re.fullmatch(_USER_ONLY, text)
    return not is_open or any(_PASSWORD_IN_QUERY.findall(text))


def without_credentials(url: str) -> str:
    """Return a URL with a mask in place of user and password, and of its query; of an odd one, only the mask."""
    if not has_credentials(url):
        return url
    scheme, _, rest = url.partition("://")
    place, question, _ = rest.partition("?")
    if _COMPLETE.fullmatch(url):
        return f"{scheme}://{MASK}@{place.rpartition('@')[2]}"
    return f"{scheme}://{place}{question}{MASK}" if "@" not in url else MASK


def remember_proxies(environment: Mapping[str, str]) -> None:
    """Remember the proxies of an environment."""
    for name in _PROXIES:
        if proxy := environment.get(name):
            remember_url(proxy)


def forget() -> None:
    """Forget everything that was remembered."""
    _PASSWORDS.clear()
    _ODD.clear()


def masked(text: str) -> str:
    """Return a message without anything secret."""
    shown = _PASSWORDS.mask(_ODD.mask(text))
    return re.sub(_SHOWN, rf"\g<scheme>://{MASK}@", shown) if "://" in shown else shown


def masked_result(text: str) -> str:
    """Return a text of a result without the words of URLs in which the password may be anywhere."""
    return _ODD.mask(text)


def masked_data(value: Any) -> Any:
    """Return the data of a result with all its texts as `masked_result` has them; its keys stay."""
    match value:
        case str():
            return masked_result(value)
        case Mapping():
            return {key: masked_data(each) for key, each in value.items()}
        case list() | tuple():
            return [masked_data(each) for each in value]
        case _:
            return value


def has_odd_words() -> bool:
    """Return True if a result may have something to mask."""
    return not _ODD.is_empty


def _forms_of(url: str) -> Iterator[tuple[str, str]]:
    """Yield a URL as messages may quote it, each with its replacement: only a known scheme is shown."""
    scheme = re.match(rf"(?:{_SCHEMES})(?=://)", url)
    shown = f"{scheme[0]}://{MASK}" if scheme else MASK
    for form in (url, re.sub("/+", "/", url)):  # a path has no double slashes
        if len(form) >= _MIN_WORD and not _WORD.fullmatch(form):
            yield form, shown


def _words_of(text: str) -> Iterator[str]:
    """Yield the words of a text, also of its decoded form."""
    from urllib.parse import unquote

    for form in (text, unquote(text)):
        yield from _WORD.findall(form)


def _is_secret(word: str) -> bool:
    return len(word) >= _MIN_WORD and word.lower() not in _PLAIN_WORDS.split()
