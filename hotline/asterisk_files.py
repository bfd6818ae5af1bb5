"""The Asterisk files that follow from the site and the secrets: numbers, trunks, phones, queues, accounts.

`asterisk-config/` holds what is the same everywhere and includes these by name from /etc/asterisk-site. Each function
here returns the text of one file. Every value that goes in has passed the site's checks; `_plain` looks once more.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Final

from casework.notices.channels.call import PREFIX as DUTY_CALLS
from hotline.secrets import Secrets
from hotline.site import Carrier, Phone, Site
from hotline.stack import Stack
from routing import outbound, phones, truth
from routing.staff import Queue
from routing.watch import WANTED

HEADER: Final = "; Generated from the site file; change that and run `hotline up`, not this.\n"
PRETEND: Final = "pretend"
"""The try-out's carrier."""
ONLY_BOOTED: Final = ("name(FullyBooted)",)
DUTY_ENDS: Final = (f"name(Hangup),header(Uniqueid),method(starts_with) = {DUTY_CALLS}",)
BRIDGES: Final = timedelta(seconds=2)
"""So long Asterisk itself keeps offers from who has just talked; then our server does (`routing/wrap_up.py`)."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:/+-]+")


class NotPlain(ValueError):
    """A value that would not stay one value in an Asterisk file."""


class NoPassword(NotPlain):
    """A carrier wants a registration, and we were not given the password for it."""

    def __init__(self, carrier: str) -> None:
        super().__init__(
            f"carrier {carrier!r} wants a registration, but its password is not known: write it in the stack's"
            f' secrets.json as "carriers": {{"{carrier}": "..."}}'
        )


def pbx(site: Site, secrets: Secrets, stack: Stack) -> Mapping[str, str]:
    """Return name and text of each generated file of our Asterisk."""
    carriers = site.carriers or pretend_carriers(stack)
    return {
        "globals.conf": HEADER + _globals(site, stack, carriers[0]),
        "numbers.conf": HEADER + _numbers(site),
        "transfers.conf": HEADER + _transfers(site),
        "queues.conf": HEADER + "".join(_queue(queue) for queue in site.queues),
        "manager.conf": HEADER + _manager(secrets, stack),
        "poisoned.conf": HEADER + f"password = {_secret(secrets.services['poisoned'])}\n",
        "pjsip.conf": HEADER
        + _transports(stack)
        + "".join(_carrier(carrier, secrets, site) for carrier in carriers)
        + "".join(_phone(phone, secrets) for phone in site.phones),
        "rtp.conf": HEADER + f"rtpstart = {stack.rtp_range[0]}\nrtpend = {stack.rtp_range[1]}\n",
    }


def telco(site: Site, secrets: Secrets, stack: Stack) -> Mapping[str, str]:
    """Return the generated files of the pretend carrier."""
    dialled = [number for line in site.numbers for number in line.dialled]
    return {
        "manager.conf": HEADER + _pretend_manager("telco", secrets),
        "numbers.conf": HEADER
        + "".join(f"exten => {_plain(n)},1,Dial(PJSIP/{n}@pbx)\n same => n,Hangup()\n" for n in dialled),
        "pjsip.conf": HEADER
        + _transport("udp", stack, port=stack.ports.visitor_sip)
        + f"[pbx](trunk)\naors = pbx\n[pbx]\ntype = aor\ncontact = sip:{stack.pbx}:5060\n"
        + f"[pbx]\ntype = identify\nendpoint = pbx\nmatch = {stack.pbx}\n"
        + "[visitor](visitor-phone)\nauth = visitor\naors = visitor\n"
        + "[visitor]\ntype = auth\nauth_type = digest\nusername = visitor\n"
        + f"password = {_secret(secrets.services['visitor'])}\n"
        + "[visitor]\ntype = aor\nmax_contacts = 2\nremove_existing = yes\n",
        "rtp.conf": HEADER + f"rtpstart = {stack.telco_rtp_range[0]}\nrtpend = {stack.telco_rtp_range[1]}\n",
    }


def agents(site: Site, secrets: Secrets, stack: Stack) -> Mapping[str, str]:
    """Return the generated files of the pretend phones."""
    return {
        "manager.conf": HEADER + _pretend_manager("agents", secrets),
        "pjsip.conf": HEADER
        + _transport("udp", stack, port=None)
        + f"[pbx](desk-phone)\naors = pbx\n[pbx]\ntype = aor\ncontact = sip:{stack.pbx}:5060\n"
        + f"[pbx]\ntype = identify\nendpoint = pbx\nmatch = {stack.pbx}\n"
        + "".join(_pretend_phone(phone, secrets, stack) for phone in site.phones),
    }


def pretend_carriers(stack: Stack) -> tuple[Carrier, ...]:
    """The carrier of a stack whose site names none: the try-out's."""
    return (Carrier(name=PRETEND, addresses=[IPv4Address(stack.telco), IPv4Address(stack.second_carrier)]),)


def _plain(value: str) -> str:
    if not _PLAIN.fullmatch(value):
        raise NotPlain(f"{value!r} cannot stand in an Asterisk file; allowed are letters, digits and _ . : / + -")
    return value


def _secret(value: str) -> str:
    """A password as it stands in an Asterisk file. A carrier's may hold nearly anything; it is never shown."""
    if not value.isprintable() or value != value.strip():
        raise NotPlain("a password with a control character, or a blank at one of its ends, cannot stand in a file")
    return value.replace(";", r"\;")


def _globals(site: Site, stack: Stack, carrier: Carrier) -> str:
    first = site.numbers[0]
    return (
        f"HOTLINE_SERVER = {stack.server}\n"
        f"FALLBACK_QUEUE = {_plain(site.site.fallback_queue)}\n"
        f"FALLBACK_LANGUAGE = {_plain(first.language)}\n"
        f"OWN_NUMBER = {_plain(first.dialled[0])}\n"
        f"CARRIER = {way_out(carrier.name)}\n"
        f"SURVEY = {'yes' if site.visits.survey else 'no'}\n"
    )


def _numbers(site: Site) -> str:
    dialled = [number for line in site.numbers for number in line.dialled]
    return "".join(
        f"exten => {_plain(number)},1,Set(HOTLINE_NUMBER={number})\n same => n,Goto(front-door,s,1)\n"
        f"exten => +{number},1,Set(HOTLINE_NUMBER={number})\n same => n,Goto(front-door,s,1)\n"
        for number in dialled
    )


def _transfers(site: Site) -> str:
    to_agents = (
        f"exten => {_plain(agent.work_number)},1,Set(HOTLINE_TO={_plain(agent.phone)})\n"
        f" same => n,Goto(ring-agent,{agent.work_number},1)\n"
        for agent in site.agents
    )
    to_queues = (
        f"exten => {_plain(queue.transfer_code)},1,Set(HOTLINE_QUEUE={_plain(queue.name)})\n"
        f" same => n,Set(HOTLINE_PATIENCE={queue.patience.total_seconds():.0f})\n"
        f" same => n,Goto(queue,{queue.transfer_code},1)\n"
        for queue in site.queues
    )
    outside = (
        f"exten => {_plain(department.code)},1,Set(HOTLINE_TO={_plain(department.number)})\n"
        f" same => n,Goto(ring-department,{department.code},1)\n"
        for department in site.departments
    )
    return "".join((*to_agents, *to_queues, *outside))


def _queue(queue: Queue) -> str:
    return (
        f"[{_plain(queue.name)}](line)\n"
        f"timeout = {queue.ring_for.total_seconds():.0f}\n"
        f"wrapuptime = {min(queue.wrap_up, BRIDGES).total_seconds():.0f}\n"
        f"maxlen = {queue.most_waiting}\n"
    )


def _manager(secrets: Secrets, stack: Stack) -> str:
    """The accounts' secrets, where they may come from, and the few events each is sent (most work saved is here)."""
    events = {
        "watch": (*WANTED, *phones.WANTED, *truth.WANTED),
        "desk": ONLY_BOOTED,
        "dial": (*outbound.WANTED, *DUTY_ENDS),
    }
    return "".join(
        f"[{account}]({account}-rights)\nsecret = {_secret(secrets.services[f'ami-{account}'])}\n"
        f"permit = {stack.server}/255.255.255.255\n" + "".join(map(_event_filter, wanted))
        for account, wanted in events.items()
    )


def _event_filter(wanted: str) -> str:
    """One event that an account is sent; `name(X),header(Y),method(Z) = value`, the last parts only where given."""
    which, _, value = wanted.partition(" = ")
    return f"eventfilter(action(include),{which}) = {value}\n"


def _pretend_manager(role: str, secrets: Secrets) -> str:
    return (
        f"[tryout]\nsecret = {_secret(secrets.services[f'{role}-manager'])}\n"
        "read = system,call\nwrite = system,call,originate,reporting\nwritetimeout = 10000\n"
        + "".join(map(_event_filter, (*ONLY_BOOTED, "name(Hangup)")))
    )


def _transports(stack: Stack) -> str:
    return "".join(_transport(protocol, stack, port=stack.ports.sip) for protocol in ("udp", "tcp"))


def _transport(protocol: str, stack: Stack, *, port: int | None) -> str:
    """How SIP is spoken; with a published `port`, peers outside are told this machine's address in place of ours."""
    lines = [f"[transport-{protocol}]", "type = transport", f"protocol = {protocol}", "bind = 0.0.0.0:5060"]
    if stack.external is not None and port is not None:
        lines += [
            f"external_signaling_address = {_plain(stack.external)}",
            f"external_signaling_port = {port}",
            f"external_media_address = {_plain(stack.external)}",
            f"local_net = {stack.net}.0/24",
        ]
    return "\n".join(lines) + "\n"


def _carrier(carrier: Carrier, secrets: Secrets, site: Site) -> str:
    name, out = f"carrier-{_plain(carrier.name)}", way_out(carrier.name)
    text = f"[{name}](carrier)\naors = {name}\n"
    for way in (out, visits_by(carrier.name)):
        text += f"[{way}](outside)\naors = {name}\n" + (f"outbound_auth = {name}\n" if carrier.register_as else "")
    text += f"[{name}]\ntype = aor\ncontact = sip:{carrier.addresses[0]}:{carrier.port}\n"
    text += f"[{name}]\ntype = identify\nendpoint = {name}\n"
    text += "".join(f"match = {address}\n" for address in carrier.addresses)
    if carrier.register_as is not None:
        text += _registration(name, carrier, secrets, site.numbers[0].dialled[0])
    return text


def way_out(carrier: str) -> str:
    """The endpoint of the calls we make: not the callers' one, so that no leg of ours is taken for a caller's line."""
    return f"outside-{_plain(carrier)}"


def visits_by(carrier: str) -> str:
    """The endpoint of return visits: named like the callers' one, as such a call may come to wait for an agent too."""
    return f"carrier-{_plain(carrier)}-visits"


def _registration(name: str, carrier: Carrier, secrets: Secrets, number: str) -> str:
    """Calls of a carrier that we register with arrive by our contact: it is the site's first number.

    A carrier that is away, or refuses us for a while, is asked again for as long as we live: Asterisk's own default is
    to give up after ten tries, and nobody would be reached any more.
    """
    host, user = carrier.addresses[0], _plain(carrier.register_as or "")
    if carrier.name not in secrets.carriers:
        raise NoPassword(carrier.name)
    return (
        f"[{name}]\ntype = auth\nauth_type = digest\nusername = {user}\n"
        f"password = {_secret(secrets.carriers[carrier.name])}\n"
        f"[{name}]\ntype = registration\noutbound_auth = {name}\nserver_uri = sip:{host}:{carrier.port}\n"
        f"client_uri = sip:{user}@{host}:{carrier.port}\ncontact_user = {_plain(number)}\n"
        "retry_interval = 20\nforbidden_retry_interval = 60\nfatal_retry_interval = 60\nmax_retries = 1000000\n"
        "auth_rejection_permanent = no\n"
    )


def _phone(place: Phone, secrets: Secrets) -> str:
    phone, number = _plain(place.phone), _plain(place.number)
    return (
        f'[{phone}](phone)\nauth = {phone}\naors = {phone}\ncallerid = "{number}" <{number}>\n'
        f"[{phone}](phone-place)\n"
        f"[{phone}](phone-secret)\nusername = {phone}\npassword = {_secret(secrets.phones[phone])}\n"
    )


def _pretend_phone(place: Phone, secrets: Secrets, stack: Stack) -> str:
    phone = _plain(place.phone)
    return (
        f"[{phone}]\ntype = auth\nauth_type = digest\nusername = {phone}\npassword = {_secret(secrets.phones[phone])}\n"
        f"[{phone}]\ntype = registration\noutbound_auth = {phone}\nserver_uri = sip:{stack.pbx}:5060\n"
        f"client_uri = sip:{phone}@{stack.pbx}:5060\ncontact_user = {phone}\n"
        "retry_interval = 2\nforbidden_retry_interval = 2\nmax_retries = 100000\nexpiration = 120\n"
        # Calls that this phone makes go out under its own account.
        f"[out-{phone}](desk-phone)\naors = pbx\noutbound_auth = {phone}\nfrom_user = {phone}\n"
    )
