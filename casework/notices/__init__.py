"""Notices: what people are told of a ticket, by SMS, mail, webhook or a ringing phone.

A notice is written in the transaction of what it tells of (`outbox.py`), sent by `sender.py` through a channel
(`channels/`), and answered through `replies.py`. What providers say of it later is in `afterwards.py`; what became of
it is looked up in `lookup.py`.
"""
