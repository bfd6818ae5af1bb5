"""A site's notices: crews, a duty list, three channels."""

from __future__ import annotations

from typing import Any

from casework.notices.directory import Notices

TABLES: dict[str, Any] = {
    "brand": "Sunshine",
    "brands": {"cable": "Eastwind"},
    "language": "en",
    "concerned": ["lead-zhang"],
    "duty": ["lead-zhang", "chief-li"],
    "callers": ["sms"],
    "channels": [
        {"name": "sms", "kind": "gammu", "database": "sqlite:////srv/gammu/smsd.db"},
        {"name": "mail", "kind": "mail", "host": "127.0.0.1", "sender": "hotline@example.org", "encryption": "none"},
        {"name": "phone", "kind": "call"},
    ],
    "people": [
        {
            "key": "crew-east",
            "name": "East crew",
            "handles": ["East"],
            "ways": [
                {"channel": "sms", "address": "138 0013 8000"},
                {"channel": "mail", "address": "east@example.org"},
            ],
        },
        {
            "key": "lead-zhang",
            "name": "Zhang",
            "language": "zh",
            "handles": ["lead"],
            "ways": [{"channel": "sms", "address": "13900139000"}, {"channel": "phone", "address": "13900139000"}],
        },
        {"key": "chief-li", "name": "Li", "ways": [{"channel": "phone", "address": "010 1234 5678"}]},
    ],
}


def a_site(**also: Any) -> Notices:
    return Notices.model_validate(TABLES | also)


CREW, LEAD = "+8613800138000", "+8613900139000"
