"""Calls go to public addresses alone, whatever a name says, and to the very address that was judged."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

import pytest

from config import outgoing
from config.outgoing import AddressRefusedError, Reach, check_url, connect, is_allowed
from einvoice.platform.client import AfnorPlatform
from einvoice.platform.port import PlatformAddressError
from einvoice.platform.settings import PlatformDriver, PlatformSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

PUBLIC = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e")
REFUSED = (
    *("10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "0.1.2.3", "100.64.0.1"),
    *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1", "fe80::1%1"),
    *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2002:7f00:1::", "::7f00:1"),
)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Names that lead where the test says: each list of addresses is one answer, the last one is repeated."""
    told: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **more: Any) -> Any:
        if host not in told:
            return real(host, port, *args, **more)
        answers = told[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [entry for each in addresses for entry in real(each, port, *args, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return told


@pytest.fixture
def listening() -> Iterator[int]:
    """A server on this machine; its port. Nobody accepts: a connection waits in its queue."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    assert is_allowed(ipaddress.ip_address(address), Reach.PUBLIC)


@pytest.mark.parametrize("address", REFUSED)
def test_no_other_address_may_be_called(address: str) -> None:
    assert not is_allowed(ipaddress.ip_address(address), Reach.PUBLIC)
    assert is_allowed(ipaddress.ip_address(address), Reach.PRIVATE)


def test_a_demonstration_reaches_this_machine_and_no_network() -> None:
    assert is_allowed(ipaddress.ip_address("127.0.0.1"), Reach.LOOPBACK)
    assert is_allowed(ipaddress.ip_address("::1"), Reach.LOOPBACK)
    assert is_allowed(ipaddress.ip_address("::ffff:127.0.0.1"), Reach.LOOPBACK)
    assert not is_allowed(ipaddress.ip_address("10.0.0.1"), Reach.LOOPBACK)


def test_one_private_address_among_public_ones_refuses_the_name(names: dict[str, list[list[str]]]) -> None:
    names["platform.example"] = [["93.184.215.14", "10.0.0.7"]]
    with pytest.raises(AddressRefusedError, match=r"platform\.example leads to 10\.0\.0\.7"):
        check_url("https://platform.example/flow")
    names["platform.example"] = [["93.184.215.14"]]
    check_url("https://platform.example/flow")
    with pytest.raises(AddressRefusedError, match="names no host"):
        check_url("https:///flow")


def test_a_name_that_changes_between_check_and_call_is_judged_again(
    names: dict[str, list[list[str]]], listening: int
) -> None:
    """DNS rebinding: public while it is checked, this machine when it is called."""
    names["platform.example"] = [["93.184.215.14"], ["127.0.0.1"]]
    check_url(f"https://platform.example:{listening}/")
    with pytest.raises(AddressRefusedError):
        connect("platform.example", listening, 1)


def test_the_address_that_was_judged_is_the_one_that_is_called(
    names: dict[str, list[list[str]]], listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look at the name per connection: a second answer has no chance. And the other end is compared."""
    names["platform.example"] = [["127.0.0.1"], ["10.0.0.7"]]
    with connect("platform.example", listening, 1, reach=Reach.LOOPBACK) as opened:
        assert opened.getpeername() == ("127.0.0.1", listening)
    judged: list[str] = []
    monkeypatch.setattr(outgoing, "_judge", lambda _host, literal, _reach: judged.append(literal))
    connect("127.0.0.1", listening, 1, reach=Reach.LOOPBACK).close()
    assert judged == ["127.0.0.1", "127.0.0.1"], "before the call, and at its other end"


def test_a_platform_behind_a_private_address_is_never_called(
    names: dict[str, list[list[str]]], listening: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    names["platform.example"] = [["127.0.0.1"]]
    opened: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: opened.append(address))
    url = f"https://platform.example:{listening}"
    settings = PlatformSettings(PlatformDriver("planted", url, f"{url}/token"), "id", "secret")
    with pytest.raises(PlatformAddressError) as refused:
        AfnorPlatform(settings, Reach.PUBLIC).flow_state("1")
    assert (refused.value.code, refused.value.in_doubt) == ("platform.address_refused", False)
    assert opened == []
