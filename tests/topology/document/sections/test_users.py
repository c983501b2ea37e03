"""Users in a document: their problems, their places, their schema, and what differs."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from dataclasses import replace

import jsonschema
import pytest
import yaml

from attune_infra.errors import InvalidInput
from attune_infra.render.objects import difference_data
from attune_infra.render.words import attributes, declaration, difference
from attune_infra.topology.diff import Create, Update, change_of, diff, undeclared
from attune_infra.topology.document.export import Extent, as_definitions, as_document
from attune_infra.topology.document.merging.overlay import Text
from attune_infra.topology.document.merging.several import read_several, resolve_several
from attune_infra.topology.document.parse import parse, parse_with_places
from attune_infra.topology.document.problems import InvalidDocument
from attune_infra.topology.document.schema.document import schema
from attune_infra.topology.document.write import write
from attune_infra.topology.explain import explain
from attune_infra.topology.facts.refusals import Restrictions
from attune_infra.topology.facts.users import fits
from attune_infra.topology.lint.linter import lint
from attune_infra.topology.model import (
    CONTROL_KINDS,
    NO_PASSWORD,
    PasswordHash,
    Permission,
    SecretKind,
    SecretReference,
    Topology,
    User,
    label,
)
from attune_infra.topology.planning.plan import Plan
from attune_infra.topology.planning.prune import prunable, why_kept
from attune_infra.topology.planning.undo import undo_document

DOCUMENT = """\
users:
  orders-app:
    tags: [monitoring, billing]
    password: {env: ORDERS_PASSWORD}
    limits: {max-connections: 10, max-channels: 100}
  probe: {password: none}
  silent: {}
"""
REFERENCE = SecretReference(SecretKind.ENV, ("ORDERS_PASSWORD",))


def hash_of(password: str, kind: str = "sha256", salt: bytes = b"salt") -> PasswordHash:
    digest = getattr(hashlib, kind)(salt + password.encode()).digest()
    return PasswordHash(b64encode(salt + digest).decode(), f"rabbit_password_hashing_{kind}")


EVERYTHING = "{configure: '.*', write: '.*', read: '.*'}"
GOOD_HASH = hash_of("c4nary")


def test_they_are_objects_of_the_topology() -> None:
    topology = parse(DOCUMENT, source="it")

    assert topology.users == {
        "orders-app": User(
            name="orders-app",
            tags=frozenset({"monitoring", "billing"}),
            password=REFERENCE,
            limits={"max-connections": 10, "max-channels": 100},
        ),
        "probe": User(name="probe", password=NO_PASSWORD),
        "silent": User(name="silent"),
    }
    assert (topology.control_kinds, topology.count) == (frozenset({"user"}), 3)
    assert [*map(label, topology.objects())] == ["user orders-app", "user probe", "user silent"]
    assert parse(write(topology), source="it") == topology
    assert topology.without_access().users == {}


def test_each_has_its_place_and_those_of_its_parts() -> None:
    topology, places = parse_with_places(DOCUMENT, source="it")
    user = topology.users["orders-app"]

    found = [places.of(user), places.of(user, "password"), places.of(user, "max-channels")]
    assert [(place.line, place.column) for place in found if place] == [(2, 3), (4, 15), (5, 35)]


PROBLEMS = [
    ("password: c4nary", "a document never holds the password of user 'a' itself: write {env: NAME}"),
    ("password: ~", "a document never holds the password of user 'a' itself"),
    ("password: {c4nary}", "the password of user 'a' needs exactly one of the forms"),
    ("password_hash: c4nary", "the password hash must be the base64 of 36 bytes: a salt of 4, and the hash"),
    (f"password_hash: {GOOD_HASH.text[:-4]}", "must be the base64 of 36 bytes"),
    ("password_hash: ''", "password_hash expects a text in base64"),
    ("password_hash: [c4nary]", "password_hash expects a text in base64"),
    (
        f"password_hash: {GOOD_HASH.text}, hashing_algorithm: rabbit_password_hashing_sha512",
        "must be the base64 of 68 bytes",
    ),
    (
        f"password_hash: {GOOD_HASH.text}, hashing_algorithm: sha256",
        "rabbit_password_hashing_md5, got 'sha256'",
    ),
    ("hashing_algorithm: rabbit_password_hashing_sha256", "has a hashing_algorithm without a password_hash"),
    (f"password: {{env: A}}, password_hash: {GOOD_HASH.text}", "has a password and a password_hash; give one of"),
    ("pasword: c4nary", "unknown key 'pasword' in user 'a'; did you mean 'password'?"),
    ("tags: monitoring", "tags of user 'a' must be a list"),
    ("tags: [5]", "expected a string, got the integer 5"),
    ("tags: [b, b]", "duplicate tag 'b'"),
    ("tags: ['']", "a tag is empty"),
    ("tags: [é]", "a tag is 'é'; RabbitMQ garbles tags that are not ASCII"),
    ("tags: [' b']", "a tag is ' b'; RabbitMQ drops the spaces around it"),
    (f"tags: [{'b' * 256}]", "a tag is longer than 255 characters"),
    ("limits: {max-queues: 1}", "expected max-connections or max-channels, got 'max-queues'"),
    ("limits: {max-channels: -2}", "max-channels expects -1 (no limit) or more, got -2"),
    ("limits: {max-channels: '2'}", "expected an integer, got the string '2'"),
]


@pytest.mark.parametrize(("keys", "sentence"), PROBLEMS)
def test_a_wrong_one_is_a_problem_that_quotes_no_secret(keys: str, sentence: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse(f"users: {{a: {{{keys}}}}}", source="it")

    assert sentence in str(caught.value)
    assert "c4nary" not in str(caught.value)
    assert GOOD_HASH.text[:20] not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("users: [a]", "users must be a mapping"),
        ("users: {a: c4nary}", "user 'a' must be a mapping"),
        ("users: {'': {}}", "the name of the user is empty"),
        ("users: {..: {}}", "the name of the user is '..', which no HTTP client can address"),
        ("manages_users: a", "manages_users must be a list"),
        ("manages_users: ['(']", "the pattern is not a regular expression"),
    ],
)
def test_a_wrong_section_is_a_problem(text: str, sentence: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        parse(text, source="it")

    assert sentence in str(caught.value)
    assert "c4nary" not in str(caught.value)


def test_the_schema_agrees() -> None:
    validator = jsonschema.Draft202012Validator(json.loads(json.dumps(schema())))
    only_parse_finds = ("expected base64", "base64 of", "garbles", "spaces around", "longer than")

    assert validator.is_valid(yaml.safe_load(DOCUMENT))
    assert validator.is_valid({"users": {"a": {"password_hash": GOOD_HASH.text}}, "manages_users": ["^svc-"]})
    for keys, sentence in PROBLEMS:
        is_valid = validator.is_valid(yaml.safe_load(f"users: {{a: {{{keys}}}}}"))
        assert is_valid is any(each in sentence for each in only_parse_finds), keys


@pytest.mark.parametrize("kind", ["sha256", "sha512", "md5"])
def test_a_password_is_compared_by_its_hash(kind: str) -> None:
    assert fits("pässé", hash_of("pässé", kind))
    assert not fits("passe", hash_of("pässé", kind))
    assert not fits("pässé", replace(hash_of("pässé", kind), algorithm="other"))


@pytest.mark.parametrize("text", ["", "abcd", "c2FsdA==", "no base64", "é"])
def test_no_password_fits_what_is_no_hash(text: str) -> None:
    assert not fits("", PasswordHash(text))


HAVE = Topology.of([User(name="a", tags=frozenset({"x"}), password=hash_of("old"), limits={"max-channels": 5})])


@pytest.mark.parametrize(
    ("want", "differences"),
    [
        ({"tags": frozenset({"x"}), "limits": {"max-channels": 5}}, []),
        ({"limits": {"max-channels": 5}}, ["tags: have [\"x\"] (array), want [] (array)"]),
        ({"tags": frozenset({"x"})}, ["max-channels: have 5 (integer), want none"]),
        (
            {"tags": frozenset({"x"}), "limits": {"max-channels": -1}},
            ["max-channels: have 5 (integer), want -1 (integer)"],
        ),
        (
            {"tags": frozenset({"x"}), "limits": {"max-channels": 5, "max-connections": 1}},
            ["max-connections: have none, want 1 (integer)"],
        ),
        ({"tags": frozenset({"x"}), "limits": {"max-channels": 5, "max-connections": -1}}, []),
        ({"password": REFERENCE.with_secret("old")}, None),
        ({"password": REFERENCE.with_secret("c4nary")}, ["password differs"]),
        ({"password": hash_of("old")}, None),
        ({"password": hash_of("old", salt=b"pepp")}, ["password differs"]),
        ({"password": NO_PASSWORD}, ["password differs"]),
    ],
    ids=str,
)  # fmt: skip
def test_differences_are_named_attribute_by_attribute(
    want: dict[str, object], differences: list[str] | None
) -> None:
    same = {"tags": frozenset({"x"}), "limits": {"max-channels": 5}} if "password" in want else {}
    change = change_of(User(name="a", **{**same, **want}), HAVE)  # type: ignore[arg-type]

    if not differences:
        assert change is None
        return
    assert isinstance(change, Update)
    assert [difference(each) for each in change.differences] == differences
    data = difference_data(change.differences)["differences"]
    assert data[0] == {"attribute": "password"} if "password" in want else len(data) == 1


def test_what_a_user_is_not_told_is_in_no_sentence() -> None:
    users = [
        User(
            name="a", tags=frozenset({"t"}), password=REFERENCE.with_secret("c4nary"), limits={"max-channels": 5}
        ),
        User(name="b", password=hash_of("c4nary")),
        User(name="c", password=NO_PASSWORD),
        User(name="d"),
    ]

    assert [*map(declaration, users)] == [
        f"{label(users[0])} of the whole broker set: tags t, max-channels 5, password from {REFERENCE}",
        "user b of the whole broker set: password by its hash",
        "user c of the whole broker set: no password",
        "user d of the whole broker set",
    ]
    words = f"{users} {[dict(attributes(each)) for each in users]} {[*map(label, users)]} {Create(users[1])}"
    assert "c4nary" not in words
    assert hash_of("c4nary").text not in words


def test_one_that_was_not_read_is_never_taken_for_missing() -> None:
    want = parse(DOCUMENT, source="it")
    with pytest.raises(InvalidInput, match="user orders-app cannot be compared"):
        Plan.between(Topology(unread=CONTROL_KINDS), want)
    have = Topology.of([User(name="orders-app", password=hash_of("x"))])
    with pytest.raises(InvalidInput, match="the password of user 'orders-app' was not read from environment"):
        Plan.between(have, want)


def test_secrets_are_put_in_by_their_places() -> None:
    asked: list[tuple[str, tuple[str, ...], str]] = []

    def read(kind: str, words: tuple[str, ...], whose: str) -> str:
        asked.append((kind, words, whose))
        return "c4nary"

    want = parse(DOCUMENT, source="it")
    known = want.with_passwords(read)  # type: ignore[arg-type]

    assert asked == [("env", ("ORDERS_PASSWORD",), "the password of user 'orders-app'")]
    assert known == want
    assert isinstance(found := known.users["orders-app"].password, SecretReference)
    assert found.reveal("it") == "c4nary"
    assert Plan.between(Topology(), known).digest == Plan.between(Topology(), want).digest
    assert Topology().with_passwords(read) == Topology()  # type: ignore[arg-type]


def test_a_plan_with_another_hash_is_another_plan() -> None:
    passwords = (hash_of("a"), hash_of("b"), None)
    plans = [Plan.between(Topology(), Topology.of([User(name="a", password=each)])) for each in passwords]

    assert len({plan.digest for plan in plans}) == len(plans)


def test_users_are_pruned_only_by_patterns_of_their_own() -> None:
    users = [User(name=name) for name in ("svc-old", "svc-me", "other", "guest")]
    have = replace(
        Topology.of([*users, Permission(user="other", configure="", write="", read="")]),
        own_users=frozenset({"svc-me"}),
    )
    claiming = parse("manages: ['.*']\nmanages_users: [^svc-]\nusers: {svc-new: {}}", source="it")
    silent = parse("manages: ['.*']\nusers: {svc-new: {}}", source="it")

    assert undeclared(have, silent) == (Permission(user="other", configure="", write="", read=""),)
    assert [change.have for change in prunable(have, claiming) if isinstance(change.have, User)] == [users[0]]
    assert [why_kept(user, have, claiming) for user in users] == [
        None,
        "this command itself logs in as this user",
        "no `manages_users` pattern of the document matches 'other'",
        "no `manages_users` pattern of the document matches 'guest'",
    ]
    assert parse("manages_users: [^svc-]", source="it").control_kinds == {"user"}
    assert [Plan.between(have, want).existing for want in (claiming, silent)] == [1 + len(["old", "me"]), 1]


def test_an_undo_and_an_export_hold_no_hash_unless_asked() -> None:
    user = User(name="a", tags=frozenset({"t"}), password=hash_of("c4nary"), limits={"max-channels": 5})
    have = Topology.of([user])
    silent = replace(user, password=None)

    assert Topology.of([silent]) == parse(undo_document([user], have).text, source="it")
    plain, whole = as_document(have), as_document(have, password_hashes=True)
    assert parse(plain.text, source="it").users == {"a": silent}
    assert [(each.kind, each.names) for each in plain.left_out] == [("passwords of users", ("a",))]
    assert (parse(whole.text, source="it").users, whole.left_out) == ({"a": user}, ())
    assert as_document(have, extent=Extent.USUAL).text == "{}\n"
    assert [each.kind for each in as_definitions(have).left_out] == ["users"]


def test_a_permission_of_a_user_that_nobody_makes_is_foreseen() -> None:
    permission = Permission(user="a", configure="", write="", read="")
    have = Topology.of([User(name="guest")])

    def refusals(*items: User | Permission) -> list[str]:
        want = Topology.of(items)
        return [each.reason for each in Plan.between(have, want).foreseeing(have, want, Restrictions()).refusals]

    assert refusals(permission) == ["the broker has no user 'a', and the document declares none"]
    assert refusals(permission, User(name="a")) == []
    assert refusals(replace(permission, user="guest")) == []


def test_reasons_are_explained() -> None:
    want = Topology.of([User(name="a", tags=frozenset({"x"}), limits={"max-channels": 5}), User(name="b")])

    assert [each.reasons for each in explain(HAVE, want)] == [
        ("the user has these tags and limits; the document does not speak of the password",),
        ("the broker has no user of this name, in no virtual host",),
    ]
    [change] = diff(HAVE, Topology.of([User(name="a")]))
    assert [each.reasons for each in explain(HAVE, Topology.of([change.want]))] == [
        ("a user of the whole broker can be changed in place",)
    ]


def test_documents_add_their_users_and_an_overlay_replaces_a_password_as_a_whole() -> None:
    found = read_several(
        [Text("a", "users: {a: {}}"), Text("b", "users: {b: {}}\nmanages_users: [b.*]")], values={}
    )
    assert [*found.topology.users] == ["a", "b"]
    assert found.topology.manages_users == ("b.*",)
    with pytest.raises(InvalidDocument, match="user 'a' is also declared in a:1:9; declare it once"):
        read_several([Text("a", "users: {a: {}}"), Text("b", "users: {a: {}}")], values={})
    base = Text("base", f"users: {{a: {{password: {{env: A}}}}, b: {{password_hash: {GOOD_HASH.text}}}}}")
    other = hash_of("other").text
    over = Text("over", f"extends: base\nusers: {{a: {{password: {{file: f}}}}, b: {{password_hash: {other}}}}}")
    shown = resolve_several([over], values={}, read=lambda *_: base)
    assert parse(shown, source="it").users["a"].password == SecretReference(SecretKind.FILE, ("f",))
    assert "#   changed users / b / password_hash\n" in shown
    assert GOOD_HASH.text not in shown


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("users: {a: {password: none}}", ["AI084"]),
        ("users: {a: {password: none, tags: [custom]}}", ["AI084"]),
        ("users: {a: {password: none, tags: [monitoring]}}", []),
        ("users: {guest: {tags: [administrator]}}", ["AI085"]),
        ("users: {guest: {tags: [administrator], password: {env: A}}}", []),
        (f"users: {{guest: {{tags: [administrator], password_hash: {hash_of('guest').text}}}}}", ["AI085"]),
        (f"users: {{guest: {{tags: [administrator], password_hash: {hash_of('x').text}}}}}", []),
        ("users: {a: {tags: [monitoring]}}", ["AI086"]),
        (
            f"users: {{a: {{tags: [administrator], password: none}}}}\npermissions: {{a: {EVERYTHING}}}",
            ["AI087"],
        ),
    ],
)
def test_lint_looks_at_users(text: str, codes: list[str]) -> None:
    assert sorted({each.rule for each in lint(parse(text, source="it")).findings}) == codes
