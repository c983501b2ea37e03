import pytest

from attune_infra.broker.http.management import path


@pytest.mark.parametrize(
    ("segment", "quoted"),
    [
        ("/", "%2F"),
        ("a b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("100%", "100%25"),
        ("a%2Fb", "a%252Fb"),
        ("a?b=c&d#e", "a%3Fb%3Dc%26d%23e"),
        ("\\\"'", "%5C%22%27"),
        ("a:b;c@d", "a%3Ab%3Bc%40d"),
        ("tab\tnul\0", "tab%09nul%00"),
        ("é", "%C3%A9"),
        ("e\u0301", "e%CC%81"),
        ("worker.1_x-y~z", "worker.1_x-y~z"),
        ("%7E~kFO7NeQ", "%257E~kFO7NeQ"),
    ],
)
def test_every_segment_is_percent_encoded(segment: str, quoted: str) -> None:
    assert path("queues", segment, "q") == f"/api/queues/{quoted}/q"


def test_a_path_has_as_many_segments_as_it_is_given() -> None:
    assert path("overview") == "/api/overview"
    assert path("exchanges", "a/b", "c/d", "bindings", "source") == "/api/exchanges/a%2Fb/c%2Fd/bindings/source"
