"""What we write for Asterisk: the right sections, the least rights, and no value that becomes a line of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from hotline import asterisk_files
from hotline.asterisk_files import NoPassword, NotPlain
from hotline.secrets import SERVICES, Secrets, make
from hotline.site import Carrier, Site, load
from hotline.stack import ROOT, Stack

Section = tuple[str, list[tuple[str, str]]]


@pytest.fixture
def site() -> Site:
    return load(ROOT / "tests" / "asterisk" / "site.toml")


@pytest.fixture
def secrets(site: Site) -> Secrets:
    return Secrets(
        services={service: make() for service in SERVICES},
        phones={place.phone: make() for place in site.phones},
        carriers={"unicom": "p;ss # [word] => ${x}"},
    )


STACK = Stack(net="10.9.8")


def sections(text: str) -> Iterator[Section]:
    """Read a file as Asterisk does: sections, and in each its settings in order."""
    found: Section | None = None
    for line in text.splitlines():
        code = re.sub(r"(?<!\\);.*", "", line).strip().replace(r"\;", ";")
        if head := re.match(r"\[([^]]+)\](\(.*\))?$", code):
            if found:
                yield found
            found = (head[1] + (head[2] or ""), [])
        elif code:
            assert found is not None, line
            key, _, value = code.partition("=")
            found[1].append((key.strip(), value.lstrip(">").strip()))
    if found:
        yield found


def of_type(text: str, name: str, kind: str) -> dict[str, str]:
    """The one section of this name and type."""
    (settings,) = [dict(each) for section, each in sections(text) if section == name and ("type", kind) in each]
    return settings


def extensions(text: str) -> dict[str, list[str]]:
    """Read extensions: what each does, step by step."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if start := re.fullmatch(r"exten => ([^,]+),1,(.+)", line):
            found[start[1]] = [start[2]]
        elif step := re.fullmatch(r" same => n,(.+)", line):
            found[next(reversed(found))].append(step[1])
        else:
            assert line.startswith(";"), line
    return found


# ── what there is ──


def test_the_sites_numbers_are_exact_extensions_and_lead_to_the_front_door(site: Site, secrets: Secrets) -> None:
    numbers = extensions(asterisk_files.pbx(site, secrets, STACK)["numbers.conf"])
    dialled = ["4001234567", "4001234568", "4001234569", "4001234570"]
    assert set(numbers) == {*dialled, *(f"+{number}" for number in dialled)}
    assert not any(exten.startswith("_") for exten in numbers), "no patterns"
    for exten, steps in numbers.items():
        assert steps == [f"Set(HOTLINE_NUMBER={exten.lstrip('+')})", "Goto(front-door,s,1)"]


def test_a_transfer_leads_to_agents_queues_and_departments_and_nowhere_else(site: Site, secrets: Secrets) -> None:
    transfers = extensions(asterisk_files.pbx(site, secrets, STACK)["transfers.conf"])
    assert set(transfers) == {"1024", "1025", "1026", "701", "702", "703", "801"}
    assert transfers["1024"][0] == "Set(HOTLINE_TO=chen-desk)"
    assert transfers["702"][0] == "Set(HOTLINE_QUEUE=repair)"
    assert transfers["801"][0] == "Set(HOTLINE_TO=01012345678)"


def test_each_queue_has_its_times(site: Site, secrets: Secrets) -> None:
    queues = dict(sections(asterisk_files.pbx(site, secrets, STACK)["queues.conf"]))
    assert set(queues) == {"consult(line)", "repair(line)", "complaint(line)"}
    assert dict(queues["complaint(line)"]) == {"timeout": "4", "wrapuptime": "0", "maxlen": "1"}


def test_each_phone_has_an_account_of_its_own_a_long_password_and_its_agents_number(
    site: Site, secrets: Secrets
) -> None:
    phones = list(sections(asterisk_files.pbx(site, secrets, STACK)["pjsip.conf"]))
    named = dict(phones)
    for agent in site.agents:
        endpoint = dict(named[f"{agent.phone}(phone)"])
        assert endpoint == {
            "auth": agent.phone, "aors": agent.phone, "callerid": f'"{agent.work_number}" <{agent.work_number}>'
        }  # fmt: skip
        assert f"{agent.phone}(phone-place)" in named
        auth = dict(named[f"{agent.phone}(phone-secret)"])
        assert auth == {"username": agent.phone, "password": secrets.phones[agent.phone]}
        assert len(auth["password"]) >= 20
        assert not agent.phone.isdecimal()


def test_a_carrier_is_known_by_its_addresses_and_our_calls_go_out_by_another_name(site: Site, secrets: Secrets) -> None:
    addresses = [IPv4Address("203.0.113.10"), IPv4Network("203.0.113.64/28")]
    files = asterisk_files.pbx(with_carrier(site, addresses=addresses), secrets, STACK)
    text, named = files["pjsip.conf"], dict(sections(files["pjsip.conf"]))
    matches = [
        value for name, each in sections(text) if ("type", "identify") in each for key, value in each if key == "match"
    ]
    assert matches == ["203.0.113.10", "203.0.113.64/28"]
    assert of_type(text, "carrier-unicom", "identify")["endpoint"] == "carrier-unicom"
    assert of_type(text, "carrier-unicom", "aor")["contact"] == "sip:203.0.113.10:5060"
    assert dict(named["carrier-unicom(carrier)"]) == {"aors": "carrier-unicom"}
    assert dict(named["outside-unicom(outside)"]) == {"aors": "carrier-unicom"}
    assert "CARRIER = outside-unicom\n" in files["globals.conf"]
    assert ("type", "registration") not in [pair for _, each in sections(text) for pair in each]


def test_a_carrier_that_wants_it_is_registered_with(site: Site, secrets: Secrets) -> None:
    text = asterisk_files.pbx(with_carrier(site, register_as="+8610.hotline"), secrets, STACK)["pjsip.conf"]
    auth = of_type(text, "carrier-unicom", "auth")
    assert (auth["username"], auth["password"]) == ("+8610.hotline", secrets.carriers["unicom"])
    registration = of_type(text, "carrier-unicom", "registration")
    assert registration["client_uri"] == "sip:+8610.hotline@203.0.113.10:5060"
    assert registration["contact_user"] == "4001234567"
    for_ever = {"max_retries": "1000000", "forbidden_retry_interval": "60", "auth_rejection_permanent": "no"}
    assert for_ever.items() <= registration.items(), "a carrier that was away for a while is found again"
    assert dict(dict(sections(text))["outside-unicom(outside)"])["outbound_auth"] == "carrier-unicom"


def test_a_carrier_whose_password_is_not_known_is_refused_with_the_way_out(site: Site, secrets: Secrets) -> None:
    secrets.carriers.clear()
    with pytest.raises(NoPassword, match=r"carrier 'unicom' wants a registration.*secrets\.json"):
        asterisk_files.pbx(with_carrier(site, register_as="hotline"), secrets, STACK)


def test_a_site_without_a_carrier_is_called_by_the_pretend_one(site: Site, secrets: Secrets) -> None:
    text = asterisk_files.pbx(site, secrets, STACK)["pjsip.conf"]
    identify = [each for name, each in sections(text) if name == "carrier-pretend" and ("type", "identify") in each]
    assert [value for key, value in identify[0] if key == "match"] == [STACK.telco, STACK.second_carrier]


def test_the_manager_accounts_come_from_our_server_only_and_see_what_they_need(site: Site, secrets: Secrets) -> None:
    accounts = dict(sections(asterisk_files.pbx(site, secrets, STACK)["manager.conf"]))
    assert set(accounts) == {"watch(watch-rights)", "desk(desk-rights)", "dial(dial-rights)"}
    for name, settings in accounts.items():
        account = name.partition("(")[0]
        assert dict(settings)["secret"] == secrets.services[f"ami-{account}"]
        assert [value for key, value in settings if key == "permit"] == [f"{STACK.server}/255.255.255.255"]
        filters = [key for key, _ in settings if key.startswith("eventfilter")]
        assert all(each.startswith("eventfilter(action(include),name(") for each in filters)
        assert "eventfilter(action(include),name(FullyBooted))" in filters
        assert {"watch": len(filters) > 2, "desk": len(filters) == 1, "dial": len(filters) == 3}[account]


def test_an_outside_address_is_told_to_phones_and_carriers(site: Site, secrets: Secrets) -> None:
    plain = asterisk_files.pbx(site, secrets, STACK)["pjsip.conf"]
    assert "external" not in plain
    outside = asterisk_files.pbx(site, secrets, replace(STACK, external="198.51.100.7"))["pjsip.conf"]
    for protocol in ("udp", "tcp"):
        transport = of_type(outside, f"transport-{protocol}", "transport")
        assert transport["external_media_address"] == transport["external_signaling_address"] == "198.51.100.7"
        assert transport["external_signaling_port"] == str(STACK.ports.sip)
        assert transport["local_net"] == "10.9.8.0/24"


# ── hostile values ──

HOSTILE = (
    "x\nsecret = known",
    "x\r\n[all]\r\nread = all",
    "x;y",
    "x,1,System(id)",
    "${SHELL(id)}",
    "x) same => n,System(id",
    'x" <1>',
    "x y",
    "x\0",
    "",
    "张",
)


def with_carrier(site: Site, **fields: Any) -> Site:
    """The site with one carrier of its own."""
    known = {"name": "unicom", "addresses": [IPv4Address("203.0.113.10")]}
    return site.model_copy(update={"carriers": [Carrier(**(known | fields))]})


def changed(part: Any, **fields: object) -> Any:
    """A part of the site with a value that the site's own checks would refuse."""
    return part.model_copy(update=fields)


PLACES: dict[str, Callable[[Site, str], Site]] = {
    "a dialled number": lambda site, value: changed(site, numbers=[changed(site.numbers[0], dialled=[value])]),
    "a language": lambda site, value: changed(site, numbers=[changed(site.numbers[0], languages=[value])]),
    "the fallback queue": lambda site, value: changed(site, site=changed(site.site, fallback_queue=value)),
    "a queue": lambda site, value: changed(site, queues=[changed(site.queues[0], name=value)]),
    "a queue's code": lambda site, value: changed(site, queues=[changed(site.queues[0], transfer_code=value)]),
    "a work number": lambda site, value: changed(site, agents=[changed(site.agents[0], work_number=value)]),
    "a department's code": lambda site, value: changed(site, departments=[changed(site.departments[0], code=value)]),
    "a department": lambda site, value: changed(site, departments=[changed(site.departments[0], number=value)]),
    "a carrier": lambda site, value: changed(site, carriers=[changed(with_carrier(site).carriers[0], name=value)]),
    "a carrier's account": lambda site, value: changed(
        site, carriers=[changed(with_carrier(site).carriers[0], register_as=value)]
    ),
}


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("place", PLACES)
def test_a_value_that_would_not_stay_one_value_is_refused(site: Site, secrets: Secrets, place: str, value: str) -> None:
    with pytest.raises(NotPlain):
        write_all(PLACES[place](site, value), secrets, STACK)


@pytest.mark.parametrize("value", HOSTILE)
def test_a_phone_by_such_a_name_is_refused(site: Site, secrets: Secrets, value: str) -> None:
    secrets.phones[value] = make()
    hostile = changed(site, agents=[changed(site.agents[0], phone=value)])
    for write in (asterisk_files.pbx, asterisk_files.agents):
        with pytest.raises(NotPlain):
            write(hostile, secrets, STACK)


@pytest.mark.parametrize("value", HOSTILE)
def test_an_outside_address_that_is_none_is_refused(site: Site, secrets: Secrets, value: str) -> None:
    with pytest.raises(NotPlain):
        write_all(site, secrets, replace(STACK, external=value))


ELSEWHERE = ("redis", "api", "links", "test-postgres")
"""Secrets that stand in no file of Asterisk's."""


@pytest.mark.parametrize(
    "password", [" Tr0ub4dor", "Tr0ub4dor ", "Tr0ub4dor\nread = all", "Tr0ub4dor\r", "Tr0ub4dor\0", "Tr0ub4dor\x1b[2J"]
)
@pytest.mark.parametrize("whose", sorted({*SERVICES, "phones", "carriers"} - {*ELSEWHERE}))
def test_a_password_that_would_not_stay_one_value_is_refused_unshown(
    site: Site, secrets: Secrets, whose: str, password: str
) -> None:
    if whose == "phones":
        secrets.phones["chen-desk"] = password
    elif whose == "carriers":
        secrets.carriers["unicom"] = password
    else:
        secrets.services[whose] = password
    with pytest.raises(NotPlain) as refused:
        write_all(with_carrier(site, register_as="hotline"), secrets, STACK)
    assert "Tr0ub4dor" not in str(refused.value)


def write_all(site: Site, secrets: Secrets, stack: Stack) -> list[Mapping[str, str]]:
    """Every file of all three Asterisks."""
    return [
        asterisk_files.pbx(site, secrets, stack),
        asterisk_files.telco(site, secrets, stack),
        asterisk_files.agents(site, secrets, stack),
    ]
