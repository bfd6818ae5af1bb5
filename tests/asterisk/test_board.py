"""The board in a real browser, on a real Asterisk: a supervisor sees a call live, whispers, makes an agent pause."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from hotline.client import ServerError
from routing.events import (
    AgentPaused,
    AgentSignedOut,
    CallAnswered,
    CallEnded,
    CallMoved,
    CallQueued,
    NumberRevealed,
    RecordingKept,
    RecordingPlayed,
    TalkAttended,
    TalkStarted,
)
from tests.asterisk import sound
from tests.asterisk.pages import PATIENCE, a_browser, a_further_web_process, signed_in
from tests.asterisk.sound import RATE
from tests.asterisk.world import Caller, World

CHEN, ZHAO = "chen-desk", "zhao-desk"
USER = "zhao-supervises"


@pytest_asyncio.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all."""
    async with a_browser() as started:
        yield started


@asynccontextmanager
async def a_page(world: World, browser: Browser, password: str, *, at: str = "") -> AsyncIterator[Page]:
    """The board, fresh; from the server, or from another address."""
    async with signed_in(world, browser, USER, password, at=at) as page:
        await expect(page.locator(".fresh-fresh")).to_be_visible(timeout=PATIENCE)
        yield page


@pytest_asyncio.fixture
async def password(world: World) -> str:
    """Of a supervisor with a phone."""
    with suppress(ServerError):
        await world.server.ask("DELETE", f"/api/users/{USER}")
    made = await world.server.post("/api/users", {"name": USER, "role": "supervisor", "number": "9001"})
    await world.manner(ZHAO, "answer")
    return str(made["password"])


@pytest_asyncio.fixture
async def page(world: World, browser: Browser, password: str) -> AsyncIterator[Page]:
    """The board in one browser."""
    async with a_page(world, browser, password) as opened:
        yield opened


async def chooses(world: World, *keys: str) -> Caller:
    caller = await world.call("4001234567")
    await world.hears(caller, CallAnswered)
    await caller.press(*keys)
    return caller


async def shows(page: Page, agent: str, state: str) -> None:
    """Wait until the board shows this agent in this state."""
    tile = page.locator(f'.agent[data-agent="{agent}"]')
    await expect(tile).to_have_attribute("data-state", state, timeout=PATIENCE)


async def picks(page: Page, button: str, choice: str) -> None:
    """Open a menu and choose."""
    await page.get_by_role("button", name=button).click()
    await page.get_by_role("menuitem", name=choice).click()


async def test_a_call_is_seen_to_wait_connect_and_end_in_two_browsers_at_two_processes_alike(
    world: World, browser: Browser, password: str
) -> None:
    async with AsyncExitStack() as stack:
        beside = await stack.enter_async_context(a_further_web_process(world))
        pages = [await stack.enter_async_context(a_page(world, browser, password, at=at)) for at in ("", beside)]
        await world.manner(CHEN, "ignore")
        await world.sign_in("1024")
        for page in pages:
            await shows(page, "1024", "ready")
        caller = await chooses(world, "1")
        await world.hears(caller, CallQueued)
        for page in pages:
            waiting = page.locator(f'.queue[data-queue="consult"] [data-call="{caller.call}"]')
            await expect(waiting).to_contain_text("****", timeout=PATIENCE)
            await expect(page.locator('.queue[data-queue="consult"] .queue-count')).to_have_text("1")
            assert caller.number not in await page.content(), "the number is masked"
        await world.manner(CHEN, "answer")
        await world.hears(caller, TalkStarted)
        for page in pages:
            await shows(page, "1024", "talking")
            await expect(page.locator('.queue[data-queue="consult"] .queue-count')).to_have_text("0")
        await caller.hang_up()
        await world.hears(caller, CallEnded)
        for page in pages:
            await shows(page, "1024", "ready")
        await picks(pages[1], "1024 Chen", "Pause · Meeting")
        for page in pages:
            await shows(page, "1024", "paused")
        assert (await world.sees(AgentPaused, lambda event: event.agent == "1024", "the pause")).by == USER


@pytest.mark.parametrize(
    ("button", "how", "agent_hears", "caller_hears"),
    [("Listen", "listen", False, False), ("Whisper", "whisper", True, False), ("Barge", "barge", True, True)],
)
async def test_a_supervisor_on_a_talk_hears_it_and_is_heard_by_whom_he_chose(
    world: World, page: Page, button: str, how: str, agent_hears: bool, caller_hears: bool
) -> None:
    await world.phones.do("Setvar", Variable=f"VOICE_{ZHAO}", Value="supervisor")
    await world.sign_in("1024")
    caller = await chooses(world, "1")
    await world.hears(caller, TalkStarted)
    await shows(page, "1024", "talking")
    await picks(page, "1024 Chen", button)
    attended = await world.hears(caller, TalkAttended)
    assert (attended.how, attended.by, attended.with_agent) == (how, USER, "1024")

    from_above, agent = (world.prompt(f"tryout/{who}")[: 2 * RATE] for who in ("supervisor", "agent"))

    def heard(phone: str, said: sound.Sound) -> float:
        return max((sound.fraction_heard(said, each) for each in world.heard_by(phone)), default=0.0)

    def among_others(said: sound.Sound) -> float:
        # Two who speak at once are each 0.7 alike.
        return sound.fraction_heard(said, caller.heard(), alike=0.5)

    await world.until(lambda: heard(ZHAO, agent) > 0.5, "the supervisor hears the agent")
    if agent_hears:
        await world.until(lambda: heard(CHEN, from_above) > 0.5, "the agent hears the supervisor")
    if caller_hears:
        await world.until(lambda: among_others(from_above) > 0.5, "the caller hears him too")
    await world.until(lambda: among_others(agent) > 0.5, "the caller hears the agent")
    # Whoever is not to hear the supervisor has by now been on the line for as long as he spoke.
    if not agent_hears:
        assert heard(CHEN, from_above) < 0.3
    if not caller_hears:
        assert among_others(from_above) < 0.3


async def test_a_supervisor_makes_an_agent_pause_and_sign_out(world: World, page: Page) -> None:
    await world.sign_in("1024")
    await shows(page, "1024", "ready")
    await picks(page, "1024 Chen", "Pause · Meeting")
    await shows(page, "1024", "paused")
    paused = await world.sees(AgentPaused, lambda event: event.agent == "1024", "the pause")
    assert (paused.reason, paused.by) == ("meeting", USER)
    await picks(page, "1024 Chen", "Sign out")
    await shows(page, "1024", "signed-out")
    out = await world.sees(AgentSignedOut, lambda event: event.agent == "1024" and event.by == USER, "the sign-out")
    assert out.by == USER


async def test_a_waiting_caller_is_moved_to_another_queue_and_the_number_is_revealed(world: World, page: Page) -> None:
    await world.manner(CHEN, "ignore")
    await world.sign_in("1024")
    caller = await chooses(world, "1")
    await world.hears(caller, CallQueued, queue="consult")
    waiting = page.locator(f'[data-call="{caller.call}"]')
    await waiting.get_by_role("button", name="****").click()
    await expect(waiting).to_contain_text(caller.number, timeout=PATIENCE)
    assert (await world.hears(caller, NumberRevealed)).by == USER
    await waiting.get_by_role("button", name="Move to another queue").click()
    await waiting.get_by_role("menuitem", name="repair").click()
    moved = await world.hears(caller, CallMoved)
    assert (moved.to, moved.by) == ("repair", USER)
    await world.hears(caller, CallQueued, queue="repair")
    await expect(page.locator(f'.queue[data-queue="repair"] [data-call="{caller.call}"]')).to_be_visible()


async def test_a_recording_is_seen_and_played_and_the_playback_is_written_down(world: World, page: Page) -> None:
    await world.sign_in("1024")
    caller = await chooses(world, "1")
    await world.hears(caller, TalkStarted)
    before = len(world.heard_by(CHEN)[0])  # his phone records from the greeting on
    await world.until(lambda: len(world.heard_by(CHEN)[0]) > before + 2 * RATE, "they have talked for two seconds")
    await caller.hang_up()
    kept = await world.hears(caller, RecordingKept)
    await page.goto(f"http://127.0.0.1:{world.stack.ports.web}/#/calls/{caller.call}")
    recording = page.locator(f'.recording[data-file="{kept.file}"]')
    await recording.get_by_role("button", name="Play").click()
    await expect(recording.get_by_role("button", name="Pause")).to_be_visible(timeout=PATIENCE)
    played = await world.hears(caller, RecordingPlayed)
    assert (played.file, played.by) == (kept.file, USER)
    await expect(page.locator(".story")).to_contain_text("talks with the caller")


async def test_the_board_says_since_when_it_is_old_and_recovers_by_itself(world: World, page: Page) -> None:
    await world.sign_in("1024")
    await shows(page, "1024", "ready")
    world.container("pause", "redis")
    try:
        await expect(page.locator('.stale[data-source="board"]')).to_contain_text("Stale since", timeout=PATIENCE)
    finally:
        world.container("unpause", "redis")
    await expect(page.locator(".stale")).to_have_count(0, timeout=PATIENCE)
    await world.server.post("/api/agents/1024/pause", {"reason": "meal"})
    await shows(page, "1024", "paused")
