"""A connection is made of a usable address and a key that a header can carry, or refused with a reason."""

import pytest

from automation.agent_server import AgentServer
from automation.connection import AgentConnection, connect_to
from automation.errors import Misconfigured
from automation.reasons import Reason

KEY = "s3ssion-k3y"


@pytest.mark.parametrize(
    ("url", "base", "websocket"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "ws://127.0.0.1:8000"),
        (" https://agents.example/ \n", "https://agents.example", "wss://agents.example"),
        ("https://agents.example/one//", "https://agents.example/one", "wss://agents.example/one"),
        ("http://[::1]:8000/", "http://[::1]:8000", "ws://[::1]:8000"),
        ("http://httpd:80", "http://httpd:80", "ws://httpd:80"),
    ],
)
def test_addresses(url: str, base: str, websocket: str) -> None:
    connection = connect_to(url, KEY)
    assert connection == AgentConnection(base, KEY)
    assert connection.websocket_url == websocket
    assert connection.sandbox_id is None


def test_a_scheme_in_capitals() -> None:
    assert connect_to("HTTP://127.0.0.1:8000").websocket_url == "ws://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "not an http or https address"),
        ("127.0.0.1:8000", "not an http or https address"),
        ("localhost", "not an http or https address"),
        ("ftp://h", "not an http or https address"),
        ("file:///etc/passwd", "not an http or https address"),
        ("http://", "not an http or https address"),
        ("http:///path", "not an http or https address"),
        ("http://h:0", "not an http or https address"),
        ("http://h:99999", "cannot be read"),
        ("http://h:port", "cannot be read"),
        ("http://[::1", "cannot be read"),
        ("http://user:hunter2@h", "carries credentials"),
        ("http://hunter2@h", "carries credentials"),
        ("http://:hunter2@h", "carries credentials"),
        ("http://h?key=hunter2", "a query or a fragment"),
        ("http://h#hunter2", "a query or a fragment"),
    ],
)
def test_addresses_that_are_none(url: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says) as refusal:
        connect_to(url, KEY)
    assert refusal.value.reason is Reason.BAD_CONFIG
    assert refusal.value.sentence.isprintable()
    assert "hunter2" not in refusal.value.sentence
    assert KEY not in refusal.value.sentence


@pytest.mark.parametrize("url", ["http://a\nb", "http://a\0", "http://\u202eh"])
def test_what_no_client_takes_is_refused_before(url: str) -> None:
    with pytest.raises(Misconfigured):
        AgentServer(connect_to(url))


@pytest.mark.parametrize(
    "key", ["hunter 2", "hunter2\n", "hunter2\r\nX-Other: 1", "hunter2\0", "hünter", "\u200bhunter2"]
)
def test_keys_that_no_header_can_carry(key: str) -> None:
    with pytest.raises(Misconfigured, match="AUTOMATION_AGENT_SERVER_API_KEY") as refusal:
        connect_to("http://h", key)
    assert refusal.value.sentence.isprintable()
    assert "hunter" not in refusal.value.sentence


def test_the_key_goes_by_the_servers_header_and_is_never_shown() -> None:
    connection = connect_to("http://h", KEY)
    assert connection.headers == {"X-Session-API-Key": KEY}
    assert KEY not in repr(connection)
    assert KEY not in connection.websocket_url


def test_an_open_server_gets_no_key() -> None:
    assert connect_to("http://h").headers == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[fe80::1]:8000",
        "http://[::ffff:169.254.169.254]",
        "http://224.0.0.1:8000",
        "http://2852039166",
        "http://0xa9fea9fe:80",
        "http://0xa9.0xfe.43518",
        "http://0251.16689662",
    ],
)
def test_where_a_cloud_keeps_credentials_there_is_no_server(url: str) -> None:
    with pytest.raises(Misconfigured, match="link-local"):
        connect_to(url, "a-key")


@pytest.mark.parametrize("url", ["http://999.1.1.1", "http://0251.0376.0251.0376", "http://" + "x" * 70000])
def test_what_no_request_can_be_made_to(url: str) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        connect_to(url, "a-key")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://10.0.0.7", "http://[::1]:8000", "https://host"]
)
def test_private_networks_are_where_servers_are(url: str) -> None:
    assert connect_to(url).url == url
