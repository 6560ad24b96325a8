import pytest
from hypothesis import given
from hypothesis import strategies as st

from ttsai_server.errors import BadRequest
from ttsai_server.services.webhooks.ip_policy import is_public
from ttsai_server.services.webhooks.target import LONGEST, Target, check_url
from ttsai_server.settings import Webhooks

SAFE = Webhooks()
TRUSTED = Webhooks(allow_private=True)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://a.example/hook", Target("https", "a.example", 443, "/hook")),
        ("http://a.example", Target("http", "a.example", 80, "/")),
        ("HTTPS://A.Example:8443/Hook?a=1&b=%20", Target("https", "a.example", 8443, "/Hook?a=1&b=%20")),
        ("http://a.example?a=1", Target("http", "a.example", 80, "/?a=1")),
        ("http://a.example./", Target("http", "a.example", 80, "/")),
        ("http://xn--bcher-kva.example/", Target("http", "xn--bcher-kva.example", 80, "/")),
        ("http://my_hooks.a-b.example/", Target("http", "my_hooks.a-b.example", 80, "/")),
        ("http://8.8.8.8:8080/", Target("http", "8.8.8.8", 8080, "/")),
        ("http://[2606:4700:4700:0::1111]/", Target("http", "2606:4700:4700::1111", 80, "/")),
        ("http://a.example/@x:y@z", Target("http", "a.example", 80, "/@x:y@z")),
    ],
)
def test_read(url: str, target: Target) -> None:
    assert check_url(url, SAFE) == target


@pytest.mark.parametrize(
    ("url", "authority"),
    [
        ("http://a.example:80/", "a.example"),
        ("https://a.example:80/", "a.example:80"),
        ("https://a.example:443/", "a.example"),
        ("http://[2606:4700::1111]:8080/", "[2606:4700::1111]:8080"),
    ],
)
def test_the_port_is_named_unless_it_is_the_schemes(url: str, authority: str) -> None:
    assert check_url(url, SAFE).authority == authority


MALFORMED = [
    "",
    "a.example/hook",
    "//a.example/hook",
    "ftp://a.example/",
    "file:///etc/passwd",
    "gopher://a.example/",
    "javascript:alert(1)",
    "http:a.example",
    "http:///hook",
    "http://user@a.example/",
    "http://user:password@a.example/",
    "http://a.example@127.0.0.1/",
    "http://a.example/#fragment",
    "http://a.example#@127.0.0.1/",
    "http://a.example\\@127.0.0.1/",
    "http://a.example/a b",
    "http://a.example/a\r\nX-Header: 1",
    "http://a.example/a\tb",
    "http://a.example/\x00",
    "http://a.example/é",
    "http://bücher.example/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://a.example:port/",
    "http://a.example:/",
    "http://a.example:0/",
    "http://a.example:65536/",
    "http://a.example:٨٠/",
    "http://a..example/",
    "http://.a.example/",
    "http://a.example../",
    "http://-a.example/",
    "http://a%2eexample/",
    "http://" + "a" * 64 + ".example/",
    "http://" + "a." * 127 + "example/",
    "http://[::1/",
    "http://::1/",
    "http://[fe80::1%25eth0]/",
    "http://[1:2:3]/",
    "http://[2606:4700::1111].a.example/",
    " http://a.example/",
    "http://a.example/\n",
    "http://a.example/" + "a" * LONGEST,
]


@pytest.mark.parametrize("url", MALFORMED)
def test_what_is_malformed_is_refused_even_where_all_are_trusted(url: str) -> None:
    with pytest.raises(BadRequest) as caught:
        check_url(url, TRUSTED)
    assert caught.value.param == "webhook_url"


ODD_NUMBERS = [
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.1",
    "127.0.1",
    "127.0.0.01",
    "127.0.0.0x1",
    "127.0.0.1.1",
    "127.0.0.256",
    "4294967295",
    "99999999999999999999",
    "1.1.1.1.0x",
    "a.example.1",
]


@pytest.mark.parametrize("host", ODD_NUMBERS)
def test_an_odd_spelling_of_an_address_is_refused_even_where_all_are_trusted(host: str) -> None:
    with pytest.raises(BadRequest, match="IP address"):
        check_url(f"http://{host}/", TRUSTED)


INSIDE = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "printer",
    "metadata",
    "metadata.google.internal",
    "metadata.google.internal.",
    "instance-data.ec2.internal",
    "nas.local",
    "a.localdomain",
    "router.lan",
    "router.home.arpa",
    "wiki.corp",
    "wiki.intranet",
    "127.0.0.1",
    "127.0.0.1.",
    "127.255.255.254",
    "0.0.0.0",
    "10.0.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "192.168.1.1",
    "224.0.0.1",
    "[::]",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::169.254.169.254]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[ff02::1]",
]


@pytest.mark.parametrize("host", INSIDE)
def test_what_lies_inside_is_refused(host: str) -> None:
    with pytest.raises(BadRequest, match="public internet") as caught:
        check_url(f"http://{host}:8080/", SAFE)
    assert caught.value.param == "webhook_url"


@pytest.mark.parametrize("host", INSIDE)
def test_what_lies_inside_is_accepted_where_all_are_trusted(host: str) -> None:
    assert check_url(f"http://{host}:8080/", TRUSTED).port == 8080


@pytest.mark.parametrize("port", [1, 22, 25, 53, 111, 445, 587, 993, 1023])
def test_a_port_of_another_service_is_refused(port: int) -> None:
    with pytest.raises(BadRequest, match="port"):
        check_url(f"http://a.example:{port}/", SAFE)


@given(st.ip_addresses())
def test_an_address_is_accepted_only_if_it_is_public(address: object) -> None:
    host = f"[{address}]" if ":" in str(address) else str(address)
    try:
        accepted = check_url(f"http://{host}/", SAFE).host == str(address)
    except BadRequest:
        accepted = False
    assert accepted == is_public(str(address))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(rest: str) -> None:
    try:
        target = check_url(f"http://{rest}", SAFE)
    except BadRequest:
        return
    assert rest.lower().startswith((target.host, f"[{target.host}"))


def test_http_is_refused_where_https_is_required() -> None:
    with pytest.raises(BadRequest, match="https://"):
        check_url("http://a.example/", Webhooks(require_https=True))
    assert check_url("https://a.example/", Webhooks(require_https=True)).port == 443
