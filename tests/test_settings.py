from pathlib import Path

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.settings import (
    AMQP_URL,
    CA_FILE,
    CERT_FILE,
    CONNECTION,
    DATABASE_URL,
    KEY_FILE,
    MANAGEMENT_URL,
    TOPOLOGY,
    WORKER_QUEUE_TTL,
    Setting,
    Settings,
    joined,
    resolve,
    topology_names,
    virtual_host,
    worker_queue_ttl,
)


def from_url(url: str) -> Settings:
    return resolve({AMQP_URL: url}, {})


def test_without_any_setting_it_is_rabbitmqs_own_default() -> None:
    settings = resolve({}, {})

    assert settings.amqp.base_url == "amqp://localhost:5672"
    assert settings.management.base_url == "http://localhost:15672"
    assert (settings.amqp.user, settings.amqp.password, settings.virtual_host) == ("guest", "guest", "/")
    assert settings.database_url is None


@pytest.mark.parametrize(
    ("url", "vhost"),
    [
        ("amqp://h", "/"),
        ("amqp://h/", "/"),
        ("amqp://h//", "/"),
        ("amqp://h/%2F", "/"),
        ("amqp://h/%2f", "/"),
        ("amqp://h/attune", "attune"),
        ("amqp://h/a%20b%2Fc", "a b/c"),
    ],
)
def test_the_virtual_host_is_the_path(url: str, vhost: str) -> None:
    assert from_url(url).virtual_host == vhost


def test_user_and_password_are_decoded_and_serve_the_management_api_too() -> None:
    settings = from_url("amqp://al%40ice:p%2Fw%3A@h:1234/v")

    for endpoint in (settings.amqp, settings.management):
        assert (endpoint.user, endpoint.password) == ("al@ice", "p/w:")


def test_the_management_api_is_beside_amqp_unless_told_otherwise() -> None:
    assert from_url("amqp://[::1]:1").management.base_url == "http://[::1]:15672"
    assert from_url("amqps://h").management.base_url == "https://h:15671"
    assert from_url("amqps://h").amqp.base_url == "amqps://h:5671"

    told = resolve({AMQP_URL: "amqp://u:p@h", MANAGEMENT_URL: "https://m/rabbit/api/"}, {})
    assert (told.management.base_url, told.management_path) == ("https://m:15671", "/rabbit")
    assert (told.management.user, told.management.password) == ("u", "p")

    own = resolve({AMQP_URL: "amqp://u:p@h", MANAGEMENT_URL: "http://admin:other@h"}, {})
    assert (own.management.user, own.management.password) == ("admin", "other")


def test_flag_wins_over_environment_over_file(tmp_path: Path) -> None:
    config = tmp_path / "attune.yaml"
    config.write_text("message_queue: {url: amqp://file, other: 1}\ndatabase: {url: postgresql://file/x}\n")
    environment = {AMQP_URL.variable: "amqp://environment", DATABASE_URL.variable: ""}

    assert resolve({AMQP_URL: "amqp://flag"}, environment, config=config).amqp.host == "flag"
    assert resolve({AMQP_URL: None}, environment, config=config).amqp.host == "environment"
    assert resolve({}, {}, config=config).amqp.host == "file"
    assert resolve({}, environment, config=config).database_url == "postgresql://file/x"


def test_the_topology_is_found_whatever_the_other_settings_are(tmp_path: Path) -> None:
    config = tmp_path / "attune.yaml"
    config.write_text("message_queue: {topology: file.yaml, url: 'http://wrong'}\n")
    environment = {TOPOLOGY.variable: "environment.yaml"}

    assert topology_names({TOPOLOGY: "flag.yaml"}, environment, config=config) == ("flag.yaml",)
    assert topology_names({TOPOLOGY: None}, environment, config=config) == ("environment.yaml",)
    assert topology_names({}, {}, config=config) == ("file.yaml",)
    assert topology_names({}, {}) == ("attune",)


def test_a_topology_may_be_several_documents(tmp_path: Path) -> None:
    config = tmp_path / "attune.yaml"
    connections = "connections: {a: {url: amqp://x@y/z, topology: [c.yaml, 'd:e.yaml']}}"
    config.write_text(f"message_queue: {{topology: [a.yaml, 'b:c.yaml']}}\n{connections}\n")
    flags = {TOPOLOGY: joined(["x.yaml", "y:z.yaml"])}

    assert topology_names(flags, {}) == ("x.yaml", "y:z.yaml")
    assert topology_names({}, {TOPOLOGY.variable: "x.yaml:y:"}) == ("x.yaml", "y")
    assert topology_names({}, {}, config=config) == ("a.yaml", "b:c.yaml")
    assert topology_names({CONNECTION: "a"}, {}, config=config) == ("c.yaml", "d:e.yaml")


@pytest.mark.parametrize(
    ("value", "words"),
    [("[]", "is an empty list"), ("[a, 1]", "[1]` expects a string, got an integer"), ("{}", "got a mapping")],
)
def test_a_wrong_list_of_documents_is_named(tmp_path: Path, value: str, words: str) -> None:
    config = tmp_path / "attune.yaml"
    config.write_text(f"message_queue: {{topology: {value}}}\n")

    with pytest.raises(InvalidInput) as raised:
        topology_names({}, {}, config=config)

    assert "message_queue.topology" in raised.value.sentence
    assert words in raised.value.sentence


def test_the_virtual_host_is_found_whatever_the_other_settings_are(tmp_path: Path) -> None:
    config = tmp_path / "attune.yaml"
    config.write_text("message_queue: {url: 'amqp://h/file', management_url: wrong, ca_file: /no/such/file}\n")

    assert virtual_host({AMQP_URL: "amqp://h/flag"}, {AMQP_URL.variable: "nonsense"}, config=config) == "flag"
    assert virtual_host({}, {}, config=config) == "file"
    assert virtual_host({DATABASE_URL: "wrong"}, {}) == "/"
    with pytest.raises(InvalidInput, match="--amqp-url does not start with amqp://"):
        virtual_host({AMQP_URL: "nonsense"}, {})


@pytest.mark.parametrize(
    "url",
    [
        "amqp://u:p%2Cw@a:5673,b,[::1]:1,c.example/v",
        "amqp://u:p%2Cw@a:5673/v,amqp://u:p%2Cw@b/v,amqp://u:p%2Cw@[::1]:1,c.example/v",
    ],
)
def test_a_url_may_have_several_hosts(url: str) -> None:
    settings = from_url(url)

    assert settings.amqp.base_url == "amqp://a:5673,b:5672,[::1]:1,c.example:5672"
    assert settings.management.base_url == "http://a:15672,b:15672,[::1]:15672,c.example:15672"
    assert (settings.virtual_host, settings.management.password) == ("v", "p,w")
    assert [each.base_url for each in settings.amqp.hosts][:2] == ["amqp://a:5673", "amqp://b:5672"]
    assert {(each.user, each.password, each.others) for each in settings.amqp.hosts} == {("u", "p,w", ())}


def test_the_management_url_may_have_several_hosts_too() -> None:
    settings = resolve({AMQP_URL: "amqp://u:p@a,b", MANAGEMENT_URL: "https://[::2],m:1/rabbit/api"}, {})

    assert (settings.management.base_url, settings.management_path) == ("https://[::2]:15671,m:1", "/rabbit")
    assert (settings.management.user, settings.management.password) == ("u", "p")


def test_a_password_of_several_hosts_is_asked_for_once() -> None:
    asked: list[str] = []

    def ask(of: str) -> str:
        asked.append(of)
        return "typed"

    settings = resolve({AMQP_URL: "amqp://ops@[::1]:1,h", MANAGEMENT_URL: "http://ops@a,[::1]"}, {}, ask=ask)

    assert {each.password for each in (*settings.amqp.hosts, *settings.management.hosts)} == {"typed"}
    assert asked == ["ops at amqp://[::1]:1,h:5672"]


def test_a_password_is_in_no_repr() -> None:
    settings = resolve({AMQP_URL: "amqp://u:s3cret@h", DATABASE_URL: "postgresql://u:s3cret@h/d"}, {})

    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        (AMQP_URL, "amqp://", "--amqp-url has no host"),
        (AMQP_URL, "amqp:///vhost", "--amqp-url has no host"),
        (AMQP_URL, "amqp://a..b", "--amqp-url has a host that no server can have"),
        (
            MANAGEMENT_URL,
            f"http://{'a' * 64}",
            "--management-url has a host that no server can have",
        ),
        (AMQP_URL, "localhost:5672", "--amqp-url does not start with amqp:// or amqps://"),
        (AMQP_URL, "amqp://h:s3cret", "--amqp-url is not a URL: its port or host cannot be read"),
        (AMQP_URL, "amqp://h:99999", "--amqp-url is not a URL: its port or host cannot be read"),
        (AMQP_URL, "amqp://h:0", "--amqp-url has port 0, on which no server can listen"),
        (AMQP_URL, "amqp://h/a/b", "--amqp-url has a path of several parts; it should be one virtual host"),
        (AMQP_URL, "amqp://h/a?b", "--amqp-url has a '?' or '#' part, which is not supported"),
        (MANAGEMENT_URL, "amqp://h", "--management-url does not start with http:// or https://"),
        (AMQP_URL, "amqp://h%40i", "--amqp-url has a host that no server can have"),
        (AMQP_URL, "amqp://h/a\tb", "--amqp-url holds a control character, such as a tab or the end of a line"),
        (AMQP_URL, "amqp://h/\udcff", "--amqp-url is not UTF-8 text"),
        *(
            (DATABASE_URL, url, "--database-url is not a URL: its host, its port or its database cannot be read")
            for url in (
                "postgresql://u:p@ss@h/d",
                "postgresql://u:1/s3cret@h/d",
                "postgresql://h:s3cret/d",
                "postgresql://h/d/e",
            )
        ),
        (DATABASE_URL, "mysql://h", "--database-url does not start with postgresql://"),
        *(
            (AMQP_URL, url, sentence)
            for url, sentence in {
                "amqp://u:s3cret@a,,c/v": "host 2 of 3 in --amqp-url is empty",
                "amqp://u:s3cret@,c": "host 1 of 2 in --amqp-url is empty",
                "amqp://u:s3cret@a,": "host 2 of 2 in --amqp-url is empty",
                "amqp://u:s3cret@a,b:99999": "host 2 of 2 in --amqp-url is not HOST or HOST:PORT",
                "amqp://u:s3cret@a,b:s3cret/v": "host 2 of 2 in --amqp-url is not HOST or HOST:PORT",
                "amqp://u:s3cret@[::1,b": "host 1 of 2 in --amqp-url is not HOST or HOST:PORT",
                "amqp://u:s3cret@a,b:0": "host 2 of 2 in --amqp-url has port 0, on which no server can listen",
                "amqp://u:s3cret@a,b c": "host 2 of 2 in --amqp-url is a name that no server can have",
                "amqp://u:s3cret@a,b/v?x": "--amqp-url has a '?' or '#' part, which is not supported",
                "amqp://u:s3cret@a,u:s3cret@b/v": "--amqp-url has a user before more than one host",
                "amqp://u:s3cret@a/v,http://u:s3cret@b": "--amqp-url does not start with amqp:// or amqps://",
                **dict.fromkeys(
                    (
                        "amqp://u:s3cret@a/v,amqp://u:s3cret@b/w",
                        "amqp://u:s3cret@a/v,amqp://u:s3cret7@b/v",
                        "amqp://u:s3cret@a/v,amqps://u:s3cret@b/v",
                    ),
                    "--amqp-url has several URLs that differ in more than host and port",
                ),
            }.items()
        ),
        (CA_FILE, "/no/such/file", "--ca-file: there is no file /no/such/file"),
        (KEY_FILE, __file__, "a key file needs a certificate file"),
    ],
)
def test_a_wrong_flag_is_named_and_its_value_is_not(setting: Setting, value: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        resolve({setting: value}, {})

    assert caught.value.sentence == sentence
    assert caught.value.hint
    assert "s3cret" not in caught.value.hint


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(InvalidInput, match=r"^ATTUNE__MESSAGE_QUEUE__URL has no host$"):
        resolve({}, {AMQP_URL.variable: "amqp://"})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("message_queue: [", "{config}:1:17: invalid YAML: expected the node content, but found '<stream end>'"),
        ("- a", "{config}: expected a mapping, got a list"),
        ("message_queue: amqp://h", "{config}: `message_queue` expects a mapping, got a string"),
        ("message_queue: {url: 5}", "{config}: `message_queue.url` expects a string, got an integer"),
        (
            "message_queue: {url: 'http://h'}",
            "message_queue.url in {config} does not start with amqp:// or amqps://",
        ),
        (b"\xff", "cannot read {config}: it is not UTF-8 text"),
        (None, "cannot read {config}: No such file or directory"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str | bytes | None, sentence: str) -> None:
    config = tmp_path / "attune.yaml"
    if text is not None:
        config.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(InvalidInput) as caught:
        resolve({}, {}, config=config)

    assert caught.value.sentence == sentence.format(config=config)


def test_an_empty_file_and_a_file_about_other_things_set_nothing(tmp_path: Path) -> None:
    config = tmp_path / "attune.yaml"
    for text in ("", "server: {port: 1}", "message_queue: {}", "message_queue: {url: null}"):
        config.write_text(text)
        assert resolve({}, {}, config=config) == resolve({}, {})


def test_tls_files_are_taken_as_they_are_given(tmp_path: Path) -> None:
    made = {setting: tmp_path / setting.flag for setting in (CA_FILE, CERT_FILE, KEY_FILE)}
    for path in made.values():
        path.touch()

    tls = resolve({setting: str(path) for setting, path in made.items()}, {}).tls

    assert (tls.ca_file, tls.cert_file, tls.key_file) == tuple(made.values())


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("off", 0), ("500ms", 500), ("90s", 90_000), ("30m", 1_800_000), ("24h", 86_400_000), ("7d", 604_800_000)],
)
def test_a_duration_has_a_unit(text: str, milliseconds: int) -> None:
    assert worker_queue_ttl({}, {WORKER_QUEUE_TTL.variable: text}) == milliseconds


def test_no_duration_changes_nothing() -> None:
    assert worker_queue_ttl({}, {}) is None


@pytest.mark.parametrize("text", ["30", "0s", "1.5h", "-1h", "OFF", "1 h", "٣s"])
def test_what_is_no_duration_is_named_with_its_origin(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"--worker-queue-ttl is '{text}', which is not a duration"):
        worker_queue_ttl({WORKER_QUEUE_TTL: text}, {})


def test_a_database_password_from_elsewhere_goes_into_its_url(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("p@ss/word\nmore\n")
    url = {DATABASE_URL.variable: "postgresql://ops@db:5432/attune"}

    settings = resolve({}, url | {"ATTUNE__DATABASE__PASSWORD_FILE": str(tmp_path / "secret")})
    own = resolve({}, {DATABASE_URL.variable: "postgresql://ops:mine@db/x", "ATTUNE__DATABASE__PASSWORD": "other"})

    assert settings.database_url == "postgresql://ops:p%40ss%2Fword@db:5432/attune"
    assert own.database_url == "postgresql://ops:mine@db/x"
    assert "p%40ss" not in repr(settings)


def test_nothing_of_a_connection_comes_from_elsewhere(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        "message_queue: {ca_file: /nowhere, expect_cluster: rabbit@staging}\n"
        "database: {url: 'postgresql://staging/x'}\n"
        "connections: {here: {url: 'amqp://u:p@h/v'}, safe: {url: amqp://s, protected: true, expect_cluster: c}}\n"
    )
    variables = {DATABASE_URL.variable: "postgresql://other/x", CA_FILE.variable: "/nowhere"}

    settings = resolve({CONNECTION: "here"}, variables, config=config)

    assert (settings.connection, settings.amqp.host, settings.virtual_host) == ("here", "h", "v")
    assert (settings.database_url, settings.tls.ca_file, settings.expected) == (None, None, ())
    assert (settings.protected, settings.protected_clusters) == (False, frozenset({"c"}))


def test_a_url_names_a_broker_and_the_default_does_not() -> None:
    assert not resolve({}, {}).amqp_is_named
    assert from_url("amqp://h").amqp_is_named
    assert not from_url("amqp://h").management_is_named


def test_a_person_is_asked_once_for_one_user() -> None:
    asked: list[str] = []

    def ask(of: str) -> str:
        asked.append(of)
        return "typed"

    settings = resolve({AMQP_URL: "amqp://ops@h", MANAGEMENT_URL: "http://ops@h"}, {}, ask=ask)

    assert (settings.amqp.password, settings.management.password) == ("typed", "typed")
    assert asked == ["ops at amqp://h:5672"]
