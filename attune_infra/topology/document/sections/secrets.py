"""YAML nodes <-> references to secrets. No problem quotes what a document holds: it may be the secret itself."""

from __future__ import annotations

import re
from typing import Final

import yaml

from attune_infra.topology.document.keys import ENVIRONMENT_VARIABLE, SECRET_KEYS
from attune_infra.topology.document.nodes import Nodes
from attune_infra.topology.model import Argument, SecretKind, SecretReference

_FORMS: Final = "{env: NAME}, {file: PATH} or {command: [PROGRAM, ARGUMENT]}"
_STRING: Final = "tag:yaml.org,2002:str"
_WORDS: Final = "[a-z0-9]+(-[a-z0-9]+)*"
_DIGEST: Final = 8


def read_reference(document: Nodes, node: yaml.Node, what: str) -> SecretReference | None:
    """Return the reference to a secret, such as `the password of user 'a'`; None and a problem if it is none."""
    if not isinstance(node, yaml.MappingNode):
        document.problem(node, f"a document never holds {what} itself: write {_FORMS}")
        return None
    known = [(str(key.value), value) for key, value in node.value if key.value in SECRET_KEYS]
    if len(node.value) != 1 or not known:
        document.problem(node, f"{what} needs exactly one of the forms {_FORMS}")
        return None
    [(name, value)] = known
    kind = SecretKind(name)
    words = _words(value) if kind is SecretKind.COMMAND else _word(value)
    if not words:
        expected = "a list of texts, the program first" if kind is SecretKind.COMMAND else "a text"
        document.problem(value, f"{what}: {name} expects {expected}")
        return None
    if kind is SecretKind.ENV and not re.fullmatch(ENVIRONMENT_VARIABLE, words[0]):
        document.problem(value, f"{what}: env expects the name of an environment variable: letters, digits and _")
        return None
    return SecretReference(kind, words)


def word_of_variable(name: str) -> str:
    """Return a name as a part of that of an environment variable; two names never have one variable.

    Only names like `shop-web` become words as they are; others get a digest of the name too.
    """
    words = re.sub("[^A-Z0-9]+", "_", name.upper()).strip("_")
    if re.fullmatch(_WORDS, name):
        return words
    import hashlib  # with OpenSSL, which a command that only reads does not load

    return f"{words}_{hashlib.sha256(name.encode()).hexdigest()[:_DIGEST].upper()}".strip("_")


def password_variable(user: str) -> SecretReference:
    """Return the reference to the password of a user in a document that is made from another file."""
    return SecretReference(SecretKind.ENV, (f"USER_{word_of_variable(user)}_PASSWORD",))


def write_reference(reference: SecretReference) -> dict[str, Argument]:
    """Return the form in which a document holds a reference."""
    words = list[Argument](reference.words)
    return {reference.kind.value: words if reference.kind is SecretKind.COMMAND else words[0]}


def _word(node: yaml.Node) -> tuple[str, ...]:
    """Return the text of a node; nothing for an empty one, and for anything else."""
    is_text = isinstance(node, yaml.ScalarNode) and node.tag == _STRING
    return (str(node.value),) if is_text and node.value and "\0" not in node.value else ()


def _words(node: yaml.Node) -> tuple[str, ...]:
    """Return the texts of a list, an empty one only behind the first; nothing for anything else."""
    if not isinstance(node, yaml.SequenceNode) or not node.value or not _word(node.value[0]):
        return ()
    are_texts = all(isinstance(each, yaml.ScalarNode) and each.tag == _STRING for each in node.value)
    found = tuple(str(each.value) for each in node.value) if are_texts else ()
    return () if any("\0" in each for each in found) else found
