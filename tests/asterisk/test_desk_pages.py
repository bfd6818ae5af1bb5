"""The pages for tickets and visits in a real browser, on a real Asterisk: pause, reorder, resume, listen, take in."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from casework.phone_numbers import masked
from hotline.client import ServerError
from routing.events import CallAnswered, CallEnded, MessageLeft, RecordingPlayed, TalkStarted
from tests.asterisk.callees import ANSWERS_ALL, BUSY, visit
from tests.asterisk.pages import PATIENCE, a_browser, signed_in
from tests.asterisk.test_emergency import announced
from tests.asterisk.test_message import is_asked_for_a_message, speaks
from tests.asterisk.test_tickets import nobodys_number, the_draft_of
from tests.asterisk.world import World

pytestmark = pytest.mark.timeout(400)
USER, WRITES = "zhang-leads", "chen-writes"


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with a_browser() as started:
        yield started


@pytest_asyncio.fixture
async def page(world: World, browser: Browser) -> AsyncIterator[Page]:
    """The pages of a lead."""
    with suppress(ServerError):
        await world.server.ask("DELETE", f"/api/users/{USER}")
    made = await world.server.post("/api/users", {"name": USER, "role": "lead"})
    async with signed_in(world, browser, USER, str(made["password"])) as opened:
        await expect(opened.get_by_role("link", name="Visits")).to_be_visible(timeout=PATIENCE)
        yield opened


async def played(world: World, file: str) -> RecordingPlayed:
    return await world.sees(RecordingPlayed, lambda event: event.file == file, f"somebody plays {file}")


async def test_a_lead_pauses_reorders_resumes_and_hears_what_was_said(world: World, page: Page) -> None:
    await page.get_by_role("link", name="Visits").click()
    await page.get_by_role("button", name="Pause dialling").click()
    await expect(page.locator('[data-dialling="paused"]')).to_be_visible(timeout=PATIENCE)
    busy, answers = await visit(world, BUSY), await visit(world, ANSWERS_ALL)
    ours = page.locator(f'[data-visit="{busy.id}"], [data-visit="{answers.id}"]')
    await expect(ours).to_have_count(2, timeout=PATIENCE)
    assert answers.number not in await page.content(), "the number is masked"
    assert await ours.first.get_attribute("data-visit") == str(busy.id)
    await page.locator(f'[data-visit="{answers.id}"]').get_by_role("button", name="Call first").click()
    await expect(ours.first).to_have_attribute("data-visit", str(answers.id), timeout=PATIENCE)
    assert (await answers.shown())["attempt"] == 0, "nobody is called meanwhile"

    await page.get_by_role("button", name="Resume dialling").click()
    await expect(page.locator('[data-dialling="on"]')).to_be_visible(timeout=PATIENCE)
    await answers.comes_to("finished", within=150)
    talk = f"visit-{answers.id}-1.0.wav"
    kept, elsewhere = f"/srv/recordings/{talk}", f"/srv/recordings/not-yet-{answers.id}"
    await world.until(lambda: world.recording("hotline", kept).size > 0, "the talk's recording is kept")
    world.inside("hotline", "mv", kept, elsewhere)
    await page.locator('button[data-state="finished"]').click()
    row = page.locator(f'[data-visit="{answers.id}"]')
    await row.locator("button[aria-expanded]").click()
    await expect(row).to_contain_text("score: 9", timeout=PATIENCE)
    assert await row.locator(f'[data-sound$="{talk}"]').count() == 0
    world.inside("hotline", "mv", elsewhere, kept)  # the recording comes after the answers: it appears by itself
    await row.locator(f'[data-sound$="{talk}"]').click()
    assert (await played(world, talk)).by == USER
    await page.get_by_role("button", name="切换到中文").click()
    await expect(page.get_by_role("link", name="回访")).to_be_visible(timeout=PATIENCE)
    await expect(page.get_by_role("button", name="暂停外呼")).to_be_visible(timeout=PATIENCE)


async def test_a_message_is_heard_on_its_draft_and_a_ticket_is_taken_in_with_read_back(
    world: World, page: Page
) -> None:
    caller = await is_asked_for_a_message(world)
    await speaks(world, caller, 2)
    await caller.hang_up()
    left = await world.hears(caller, MessageLeft)
    await world.hears(caller, CallEnded)
    draft = await the_draft_of(world, caller)
    await page.get_by_role("link", name="Tickets").click()
    await page.locator('button[data-filter="drafts"]').click()
    row = page.locator(f'[data-ticket="{draft["code"]}"]')
    await row.locator(".sound").click()
    event = await played(world, left.file)
    assert (event.by, event.call) == (USER, caller.call)

    number = nobodys_number()
    facts = {"Problem": "水管漏水", "Address": "幸福路12号", "Name": "王芳", "Telephone": number}
    form, opens = page.locator(".intake"), page.locator(".intake").get_by_role("button", name="Open")
    for label, text in facts.items():
        await form.get_by_label(label, exact=True).fill(text)
        assert await opens.is_disabled(), "not everything was read back"
        await form.get_by_label(f"Read back: {label}", exact=True).check()
    await opens.click()
    await expect(page.locator(".toasts")).to_contain_text("Opened", timeout=PATIENCE)
    (ticket,) = (await world.server.ask("POST", "/api/tickets/search", json={"number": number}))["tickets"]
    assert (ticket["kind"], ticket["state"], ticket["source"]) == ("repair", "opened", "call")
    assert ticket["confirmed"] == ["problem", "address", "name", "phone"]


async def test_an_agent_sees_who_is_on_the_line_and_the_ticket_knows_its_call(world: World, browser: Browser) -> None:
    with suppress(ServerError):  # a run before this one may have left it
        await world.server.ask("DELETE", f"/api/users/{WRITES}")
    made = await world.server.post("/api/users", {"name": WRITES, "role": "agent", "number": "1024"})
    await world.sign_in("1024")
    caller = await world.call("4001234568", number=nobodys_number())
    await world.hears(caller, CallAnswered)
    await caller.press("1")
    await world.hears(caller, TalkStarted)
    async with signed_in(world, browser, WRITES, str(made["password"])) as page:
        await page.get_by_role("link", name="Tickets").click()
        at_hand = page.locator(".at-hand")
        await expect(at_hand).to_contain_text(masked(str(caller.number)), timeout=PATIENCE)
        await expect(at_hand).to_contain_text("public hotline, English")
        await expect(at_hand).to_contain_text("calls before 1", timeout=PATIENCE)
        form = page.locator(".intake")
        await form.get_by_label("Kind", exact=True).select_option("memo")
        for label, text in {"Problem": "which papers?", "Telephone": nobodys_number()}.items():
            await form.get_by_label(label, exact=True).fill(text)
            await form.get_by_label(f"Read back: {label}", exact=True).check()
        await form.get_by_role("button", name="Open").click()
        await expect(page.locator(".toasts")).to_contain_text("Opened", timeout=PATIENCE)
    await caller.hang_up()
    ticket = await the_draft_of(world, caller)
    assert (ticket["state"], ticket["line"], ticket["caller"]) == ("opened", "english", caller.number)


async def test_a_lead_opens_an_emergency_at_the_desk_and_it_is_announced(world: World, page: Page) -> None:
    await page.get_by_role("link", name="Tickets").click()
    form = page.locator(".intake")
    await form.get_by_label("Kind", exact=True).select_option("emergency")
    await form.get_by_label("The caller is on the line").uncheck()
    problem = f"burst main {nobodys_number()}"
    await form.get_by_label("Problem", exact=True).fill(problem)
    await form.get_by_label("Address", exact=True).fill("和平路1号")
    await form.get_by_label("Area").fill("the moon")
    await expect(form).to_contain_text("will not be announced", timeout=PATIENCE)
    await form.get_by_label("Area").fill("东城")
    await expect(form).not_to_contain_text("will not be announced", timeout=PATIENCE)
    await form.get_by_role("button", name="Open").click()
    await expect(page.locator(".toasts")).to_contain_text("Opened", timeout=PATIENCE)
    emergencies = {"kinds": ["emergency"], "is_open": True}
    found = (await world.server.ask("POST", "/api/tickets/search", json=emergencies))["tickets"]
    (ticket,) = [each for each in found if each["problem"] == problem]
    await announced(world, ticket["code"], there=True)
    await world.server.ask("POST", f"/api/tickets/{ticket['code']}/steps", json={"move": "finish", "outcome": "mended"})
    await announced(world, ticket["code"], there=False)


async def test_a_lead_reads_the_days_figures_and_keeps_them_as_a_file(world: World, page: Page) -> None:
    await world.sign_in("1024")
    caller = await world.call()
    await world.hears(caller, CallAnswered)
    await caller.press("1")
    await world.hears(caller, TalkStarted)
    await caller.hang_up()
    await world.hears(caller, CallEnded)
    await page.get_by_role("link", name="Reports").click()
    report = page.locator('[data-report="calls"]')
    await expect(report.get_by_role("row", name="consult")).to_contain_text(" %", timeout=PATIENCE)
    async with page.expect_download() as kept:
        await report.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader((await (await kept.value).path()).read_text("utf-8-sig").splitlines()))
    assert int(next(row["answered"] for row in rows if row["queue"] == "consult")) >= 1
    await report.get_by_label("Calls: by").select_option("agent")
    await expect(report.get_by_role("row", name="1024 Chen")).to_be_visible(timeout=PATIENCE)
    await page.get_by_role("button", name="Last month").click()
    await expect(report).to_contain_text("Nothing was counted", timeout=PATIENCE)


async def test_an_admin_makes_a_user_who_chooses_a_password_and_is_let_go(world: World, browser: Browser) -> None:
    new, admin = "wu-is-new", "sun-admin"
    with suppress(ServerError):
        await world.server.ask("DELETE", f"/api/users/{new}")
    with suppress(ServerError):  # the last admin cannot be removed, and may be there from the last time
        await world.server.post("/api/users", {"name": admin, "role": "admin"})
    made = await world.server.post(f"/api/users/{admin}/password")
    async with signed_in(world, browser, admin, str(made["password"])) as page:
        await page.get_by_role("link", name="Users").click()
        form = page.locator(".intake")
        await form.get_by_label("Name").fill(new)
        await form.get_by_label("Role").select_option("lead")
        await form.get_by_label("Number").fill("1026")
        await form.get_by_role("button", name="Add").click()
        handed = page.locator(".handed")
        await expect(handed).to_contain_text(new, timeout=PATIENCE)
        password = await handed.locator("output").inner_text()
        await handed.get_by_role("button", name="Handed over").click()
        assert password not in await page.content()
        row = page.locator(f'[data-user="{new}"]')
        await expect(row.get_by_label("Number")).to_have_value("1026", timeout=PATIENCE)

        async with signed_in(world, browser, new, password) as theirs:
            await expect(theirs.get_by_role("link", name="Visits")).to_be_visible(timeout=PATIENCE)
            assert await theirs.get_by_role("link", name="Users").count() == 0
            await theirs.get_by_role("link", name=new).click()
            await theirs.get_by_label("Old password").fill(password)
            for name in ("new", "repeated"):
                await theirs.locator(f'input[name="{name}"]').fill("heating-main-42")
            await theirs.get_by_role("button", name="Change the password").click()
            await expect(theirs.get_by_role("button", name="Sign in")).to_be_visible(timeout=PATIENCE)
        async with signed_in(world, browser, new, "heating-main-42") as theirs:
            await expect(theirs.get_by_role("link", name="Visits")).to_be_visible(timeout=PATIENCE)
            await row.get_by_label("Role").select_option("agent")
            await row.get_by_role("button", name="Save").click()
            await expect(theirs.get_by_role("button", name="Sign in")).to_be_visible(timeout=PATIENCE)

        await row.get_by_role("button", name="Remove").click()
        await row.get_by_role("button", name="Really remove?").click()
        await expect(row).to_have_count(0, timeout=PATIENCE)
    assert new not in [user["name"] for user in (await world.server.get("/api/users"))["users"]]
