"""Secrets never appear, and what is no secret stays readable."""

from __future__ import annotations

import io
import time
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
        "X-Amz-Signature",
        "AWSSecretAccessKey",
        "proxy_auth",
        "refresh_tokens",
        "api_keys",
        "sshKey",
        "pwd",
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
        ("tokens", ["a", "b"]),
        ("token", None),
        ("password", False),
        ("author", "somebody"),
        ("primary_key", "game_id"),
        ("idempotency_key", "0022400061-play-by-play"),
        ("key", "bronze/season=2024-25/month=10/PlayByPlay"),
        ("message", "put key=_raw/playbyplayv3/a.json.gz: fencing_token=12345678, tokens=9"),
        ("message", "Unexpected token: something at line 3"),
        ("message", "basic validation failed; bearer missing"),
        ("message", "http://127.0.0.1:9000/bucket/picture@2x.png"),
        ("message", "13:05:09 LAL@BOS, final 110:102"),
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
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n",
        f"GET /path?api_key={SECRET}&x=1 HTTP/1.1",
        f"/path?key={SECRET}",
        f"next=https%3A%2F%2Fh%2Fp%3FX-Amz-Signature%3D{SECRET}%26x%3D1",
        f"https://h/p?a=1&amp;X-Amz-Security-Token={SECRET}&amp;b=2",
        f"{{'password': '{SECRET}', 'user': 'me'}}",
        f'{{"api_key": "{SECRET}"}}',
        f'body={{\\"token\\":\\"{SECRET}\\"}}',
        f"Config(secret_access_key='{SECRET}', region='x')",
        f"Cookie: session={SECRET}; other={SECRET}",
        f"{{'Set-Cookie': 'session={SECRET}; Path=/'}}",
        f"Authorization: AWS4-HMAC-SHA256 Credential={SECRET}/20250101, Signature={SECRET}",
        f"http://user:pa/{SECRET}@proxy:8080",
        f"cannot reach user:{SECRET}@proxy.example:8080",
        f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{SECRET}",
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


AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


def test_what_looks_like_a_secret_beside_an_aws_key_id_is_masked(stream: io.StringIO) -> None:
    """In the same text, list or mapping; a 40-character hash, or the same text elsewhere, is left alone."""
    pair = ("AKIAIOSFODNN7EXAMPLE", AWS_SECRET)
    get_logger().info("e", text=" ".join(pair), pair=pair, nested={"id": pair[0], "other": pair[1]})
    get_logger().info("e", first=pair[0], second=pair[1])
    assert AWS_SECRET not in stream.getvalue()
    assert redact([pair, {"id": pair[0], "x": AWS_SECRET}, " ".join(pair)]) == [
        ["***", "***"],
        {"id": "***", "x": "***"},
        "*** ***",
    ]
    sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    assert redact({"id": pair[0], "sha1": sha1})["sha1"] == sha1


def test_exceptions_and_bytes_are_redacted() -> None:
    """They come back as texts."""
    found = redact({"error": OSError(f"https://u:{SECRET}@h/"), "body": f"password={SECRET}".encode()})
    assert found == {"error": "OSError: https://***@h/", "body": "password=***"}


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


def test_a_registered_url_hides_its_password_everywhere(stream: io.StringIO) -> None:
    """Also where only the password appears, or the Basic header made of it."""
    register_secret("http://scraper:tr%2Fout-7@proxy:8080")
    get_logger().info("e", a="tr/out-7", b="x tr%2Fout-7 y", c="tr%2fout-7", d="c2NyYXBlcjp0ci9vdXQtNw==")
    assert "out-7" not in stream.getvalue()
    assert "c2NyYXBlcjp0" not in stream.getvalue()


def test_short_secrets_are_not_registered() -> None:
    """A secret of two letters would mask half of everything."""
    register_secret("ab")
    register_secret("")
    assert redact("about") == "about"


def test_a_secret_across_the_cut_of_a_long_text_is_not_half_shown(stream: io.StringIO) -> None:
    """Long texts are redacted before they are cut."""
    register_secret("across-the-cut-0123456789")
    for start in range(16_350, 16_400, 7):
        get_logger().info("e", long="x" * start + "across-the-cut-0123456789" + "y" * 20_000)
    get_logger().info("e", long=b"x" * 16_370 + b"across-the-cut-0123456789" + b"y" * 20_000)
    assert "across" not in stream.getvalue()


def test_keys_are_redacted_too(stream: io.StringIO) -> None:
    """A mapping by URL shows no user information."""
    get_logger().info("e", hosts={f"https://u:{SECRET}@h/": 1})
    assert SECRET not in stream.getvalue()
    assert redact({f"https://u:{SECRET}@h/": 1}) == {"https://***@h/": 1}


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "://",
        "://a:",
        "token",
        "password ",
        "a:",
        "a:bbb@",
        "AKIA",
        "?key=",
        "cookie:",
        "eyJ",
        "basic ",
        "-----BEGIN ",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    """Texts made to be slow are redacted in time proportional to their length."""
    text = f"key {piece * (100_000 // len(piece))}"
    started = time.process_time()
    redact(text)
    assert time.process_time() - started < 2


def test_what_is_shared_is_redacted_once() -> None:
    """Twenty levels of pairs of the same would be a million values; what contains itself ends."""
    shared: Any = [f"password={SECRET}"]
    for _ in range(20):
        shared = [shared, shared]
    redact(shared)
    cycle: dict[str, Any] = {"password": SECRET}
    cycle["self"] = [cycle, cycle]
    assert redact(cycle) == {"password": "***", "self": ["...", "..."]}


def test_redaction_ends_on_deep_values() -> None:
    """What is nested beyond all reason is cut, not followed."""
    deep: list[Any] = []
    for _ in range(1000):
        deep = [deep]
    assert "..." in str(redact(deep))
