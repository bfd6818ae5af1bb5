"""The hotline: from the first ring until the call is handed to a queue."""

from __future__ import annotations

from typing import Final

from ivr.call import Call
from ivr.flows.ticket_status import ticket_status
from ivr.flows.when_over import TELL_ME, announced, offer_to_tell, tell_when_over
from ivr.hand import Hand
from ivr.lines import Choice, Menu
from ivr.rooms import Rooms

ATTEMPTS: Final = 3
"""A silent or mistaken caller is asked again twice, then a person asks."""
REPEATS: Final = 9
"""So often a menu is repeated on `*`; then the caller is taken to a person."""


async def hotline(call: Call, rooms: Rooms) -> Hand:
    """Greet, ask what it is about, and hand the caller to the right queue."""
    await call.answer()
    for festival in rooms.calendar.festivals(call.now()):
        await call.say(f"festival_{festival}", type_ahead=True)
    await call.say("greeting", type_ahead=True)
    await tell_news(call, rooms)
    await offer_languages(call)
    choice, announcement = await choose(call, rooms, rooms.menus[call.line.menu])
    if not rooms.open_for(call.line, choice, at=call.now()):
        return Hand.to_message("closed")
    assert choice.queue is not None, "in the end a choice leads to a queue"
    await call.say(announcement)
    return Hand.to_queue(choice.queue, priority=choice.priority, patience=rooms.patience[choice.queue])


async def tell_news(call: Call, rooms: Rooms) -> None:
    """Say what is known to be out of order, and until when; who need not hear it presses a key."""
    for news in rooms.news.concerning(call.caller, call.language, call.now()):
        await call.say(news.prompt, type_ahead=True)
        if news.expected_end is not None and news.expected_end > call.now():
            until = news.expected_end.astimezone(rooms.zone)
            await call.say("news_expected_end", type_ahead=True, until=until)
    await offer_to_tell(call, rooms)


async def offer_languages(call: Call) -> None:
    """Say in each language that is not spoken now which key changes to it."""
    for key, language in call.line.language_keys.items():
        if language != call.language:
            await call.say("language_offer", type_ahead=True, language=language, key=key)


async def choose(call: Call, rooms: Rooms, menu: Menu) -> tuple[Choice, str]:
    """Ask, menu by menu, until a key leads to a queue; a caller who does not manage is taken to a person.

    Returns the choice and the prompt that announces it.
    """
    told = 0
    while told <= REPEATS and (choice := await ask(call, rooms, menu)) is not None:
        if choice.tells is not None:
            await ticket_status(call, rooms)
            told += 1
        elif choice.menu is not None:
            menu = rooms.menus[choice.menu]
        else:
            return choice, "connecting"
    return person_behind(menu), "to_person"


async def ask(call: Call, rooms: Rooms, menu: Menu) -> Choice | None:
    """Ask one menu's question; None when no answer can be had. Who changes the language hears the news in it too."""
    attempts, repeats = ATTEMPTS, REPEATS
    language_keys = call.line.language_keys.keys()
    while attempts and repeats >= 0:
        tell_me = TELL_ME if announced(call, rooms) else ""
        key = await call.ask(menu.prompt, "".join(menu.keys | language_keys) + "*" + tell_me)
        if key is not None and (choice := menu.choice(key)) is not None:
            return choice
        if language := call.line.language_behind(key):
            call.speak(language)
            await tell_news(call, rooms)
        noted = key == TELL_ME and await tell_when_over(call, rooms)
        if language or noted or key == "*":
            repeats -= 1
            continue
        attempts -= 1
        if attempts:
            await call.say("no_key" if key is None else "wrong_key", type_ahead=True)
    return None


def person_behind(menu: Menu) -> Choice:
    """Where a caller of this menu finds a person: behind 0, or behind its first key that leads to a queue."""
    choices = (menu.choice("0"), *menu.keys.values())
    return next(choice for choice in choices if choice is not None and choice.queue is not None)
