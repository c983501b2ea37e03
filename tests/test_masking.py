"""The mask: nothing of a password in a message, and as much of the rest as is safe."""

from __future__ import annotations

import pytest

from attune_infra.errors import InvalidInput
from attune_infra.masking import (
    masked,
    masked_data,
    masked_result,
    remember_command_line,
    remember_file,
    remember_password,
    remember_proxies,
    remember_url,
)


def test_the_password_of_a_good_url_is_masked_in_each_of_its_forms() -> None:
    remember_url("amqp://svc:p%2Fw0rd@host:5672/orders")

    assert masked("p/w0rd p%2Fw0rd p%2fw0rd P/W0RD") == "*** *** *** ***"
    assert masked("user 'svc' of host, virtual host orders, p/w0rds") == (
        "user 'svc' of host, virtual host orders, p/w0rds"
    )
    assert masked_result("p/w0rd") == "p/w0rd"


@pytest.mark.parametrize("url", ["amqp://svc:p%2Fw0rd@a:1,b/v", "amqp://svc:p%2Fw0rd@a/v,amqp://svc:p%2Fw0rd@b/v"])
def test_the_password_of_several_hosts_is_masked_and_the_hosts_are_not(url: str) -> None:
    remember_url(url)

    assert masked("p/w0rd, host b of a and b, user 'svc'") == "***, host b of a and b, user 'svc'"
    assert masked(f"cannot read {url}").removeprefix("cannot read ") in {"amqp://***", "amqp://***,amqp://***"}


@pytest.mark.parametrize("password", ["guest", "orders", "abc"])
def test_a_password_that_is_a_plain_word_leaves_sentences_alone(password: str) -> None:
    remember_url(f"amqp://svc:{password}@host")
    remember_password(password)

    assert masked(f"queue {password} is down") == f"queue {password} is down"


@pytest.mark.parametrize(
    "url",
    [
        "amqp://svc:12/S3cret@HOST/x",
        "amqp://svc@S3cret:host",
        "svc:S3cret@h",
        "amqp://svc:p@S3cret@h",
        "amqp://svc:p@h,svc:S3cret@i",
        "amqp://svc:p@h/v,amqp://svc:12/S3cret@i",
        "amqp://h/svc%3AS3cret%40x",
        "host=h password=S3cret",
    ],
)
def test_a_word_of_a_wrong_url_is_masked_wherever_it_stands(url: str) -> None:
    remember_url(url)

    assert masked("cannot open 'S3cret', %2FS3cret, \\x0as3cret.") == "cannot open '***', %2F***, \\x0a***."
    assert masked_result("S3cret") == "***"
    assert masked_data({"S3cret": ["a S3cret", 1]}) == {"S3cret": ["a ***", 1]}
    assert masked("NotS3cret S3cret-7 amqp host") == "NotS3cret S3cret-7 amqp host"


def test_a_url_is_masked_as_a_whole_but_for_its_scheme() -> None:
    remember_command_line(["diff", "amqp://svc:12/S3@h", "--config=svc:S3@h", "x@y"])

    assert masked("cannot read amqp://svc:12/S3@h, amqp:/svc:12/S3@h, svc:S3@h or x@y") == (
        "cannot read amqp://***, amqp://***, *** or x@y"
    )


def test_a_url_with_credentials_is_masked_although_nobody_gave_it() -> None:
    assert masked("moved to https://a:b@h/c, or amqp://a@h") == "moved to https://***@h/c, or amqp://***@h"
    assert masked("write amqp://USER:PASSWORD@HOST") == "write amqp://USER:PASSWORD@HOST"


def test_urls_of_files_and_proxies_are_remembered() -> None:
    remember_file("{url:redis://:S3/cret@h}\nsee: 'https://example.com/some/page'")
    remember_proxies({"HTTPS_PROXY": "http://svc:Pr0xypw@h:1", "OTHER_PROXY": "http://svc:0therpw@h"})

    assert masked("no key 'url:redis://:S3/cret@h', Pr0xypw, 0therpw") == "no key '***', ***, 0therpw"
    assert masked("see https://example.com/some/page") == "see https://example.com/some/page"


@pytest.mark.parametrize(
    "url",
    [
        "amqp://broker.example.com:5671/orders%2Fnew",
        "http://[::1]:15672/rabbit",
        "amqp://one,[::2]:5672/orders",
        "amqp://one/orders,amqp://two/orders",
        "postgresql://one:5432,two:5432/attune?sslmode=require",
        "postgresql:///attune?host=/run/postgresql",
    ],
)
def test_a_url_without_credentials_is_no_secret(url: str) -> None:
    remember_url(url)
    remember_command_line(["--amqp-url", url])

    assert masked(f"cannot reach {url}") == f"cannot reach {url}"


def test_every_expected_failure_is_masked() -> None:
    remember_url("amqp://svc:12/S3cret@h")

    error = InvalidInput("S3cret is wrong", hint="S3cret")

    assert (str(error), error.sentence, error.hint) == ("*** is wrong", "*** is wrong", "***")
