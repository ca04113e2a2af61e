"""Secrets never appear, and what is no secret stays readable."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from hoopstat_observability import configure_logging, get_logger, redact, register_secret, shutdown_logging

SECRET = "q7Zr2mWx9Lk4Vt8N"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    made = io.StringIO()
    configure_logging(format="json", stream=made)
    yield made
    shutdown_logging()


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "db_password",
        "DB-PASSWORD",
        "passwd",
        "secret",
        "client_secret",
        "clientSecret",
        "Authorization",
        "proxy-authorization",
        "cookie",
        "Set-Cookie",
        "credentials",
        "api_key",
        "apiKey",
        "X-Api-Key",
        "aws_secret_access_key",
        "access_key",
        "private_key",
        "token",
        "access_token",
        "sessionToken",
        "hmac_key",
        "signature",
    ],
)
def test_a_secret_is_known_by_its_key(stream: io.StringIO, key: str) -> None:
    """At the top, nested, in lists, and whatever its type."""
    get_logger().info("e", **{key: SECRET})
    get_logger().info("e", a={"b": [{key: SECRET}]}, c={key: [SECRET]}, d={key: SECRET.encode()})
    assert SECRET not in stream.getvalue()
    assert redact({key: SECRET}) == {key: "***"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("key", "_raw/playbyplayv3/season=2024-25/0022400061/abc.json.gz"),
        ("game_key", "0022400061"),
        ("object_key", "a/b"),
        ("partition_key", "month=10"),
        ("token_bucket", "full"),
        ("tokens", "many"),
        ("fencing_token", 7),
        ("token", 7),
        ("monkey", "banana"),
        ("keyboard", "qwerty"),
        ("secretary", "of state"),
        ("endpoint", "playbyplayv3"),
        ("sha256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        ("url", "https://stats.nba.com/stats/playbyplayv3?GameID=0022400061&EndPeriod=0"),
        ("email_like", "someone@example.org"),
    ],
)
def test_what_is_no_secret_stays(key: str, value: Any) -> None:
    """Keys of objects and games, counters, hashes and plain URLs are left alone."""
    assert redact({key: value}) == {key: value}


@pytest.mark.parametrize(
    "text",
    [
        f"http://user:{SECRET}@proxy:8080/",
        f"cannot connect to socks5://{SECRET}@host",
        f"https://b.s3.amazonaws.com/k?X-Amz-Algorithm=A&X-Amz-Credential={SECRET}&X-Amz-Signature={SECRET}&x=1",
        f"https://x.blob/y?sv=1&sig={SECRET}",
        f"https://x/y?access_token={SECRET}#frag",
        f"Authorization: Bearer {SECRET}",
        f"basic {SECRET}",
        f"password={SECRET}",
        f"aws_secret_access_key = {SECRET}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_secret_is_known_by_its_shape(stream: io.StringIO, text: str) -> None:
    """In any text: messages, exceptions, nested values, other libraries' records."""
    get_logger().info(text, value=text, nested=[{"x": text}])
    try:
        raise ConnectionError(text)
    except ConnectionError:
        get_logger().exception("failed")
    assert SECRET not in stream.getvalue()
    assert SECRET not in redact(text)


def test_aws_key_ids_are_masked() -> None:
    """Long-lived and temporary ones."""
    assert redact("id AKIAIOSFODNN7EXAMPLE and ASIAIOSFODNN7EXAMPLE.") == "id *** and ***."


def test_a_key_with_a_secret_shaped_value_is_masked() -> None:
    """A field that is just called key shows a path, not a secret."""
    assert redact({"key": "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY12"}) == {"key": "***"}


def test_pydantics_secrets_are_masked(stream: io.StringIO) -> None:
    """By their type, whatever they are called."""
    get_logger().info("e", harmless=SecretStr(SECRET), nested=[SecretStr(SECRET)])
    assert SECRET not in stream.getvalue()
    assert redact([SecretStr(SECRET)]) == ["***"]


def test_a_registered_secret_is_masked_wherever_it_is(stream: io.StringIO) -> None:
    """Plain, percent-encoded, inside other words, in keys' neighbours and exception messages."""
    word = "swordfish/+ 99"
    register_secret(word)
    get_logger().info("e", text=f"x{word}y", url="http://h/?q=swordfish%2F%2B%2099", other="swordfish%2F%2B+99")
    try:
        raise ValueError(word)
    except ValueError:
        get_logger().exception("failed")
    assert "swordfish" not in stream.getvalue()


def test_redaction_ends_on_deep_values() -> None:
    """What is nested beyond all reason is cut, not followed."""
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    assert "..." in str(redact(deep))
