"""A teacher's exam with 30 candidates, from the form to the last minute, on both services."""

from playwright.sync_api import Locator, expect

from tests.e2e.conftest import PROJECTOR, Opener
from tests.e2e.console import Console
from tests.e2e.problems import UNAVAILABLE, Problems
from tests.e2e.test_exam import MINUTE_MS, WARNING, adjust, choose, section

CANDIDATES = [f"Candidate {n:02}" for n in range(1, 31)]
EXTRA = {"Candidate 04": "25%", "Candidate 11": "25%", "Candidate 29": "10"}
LATE = "Late Lea"


def test_a_teacher_holds_an_exam_of_30(
    open_page: Opener, open_in_second_window: Opener, target: str, problems: Problems
) -> None:
    teacher = open_page(target)
    create_exam(teacher)
    room = open_in_second_window(f"{teacher.page.url}&view=display")
    room.page.set_viewport_size(PROJECTOR)
    expect(room.page.locator(".big-clock")).to_contain_text("Not started yet")
    teacher.start()
    expect(section(teacher, "Writing")).to_have_count(30)
    expect(note(room)).to_contain_text("3 with more time")
    let_someone_come_late(teacher)
    pause_one(teacher)
    warn(teacher, room, target)
    end(teacher, room, target)
    problems.ignore(UNAVAILABLE)


def create_exam(teacher: Console) -> None:
    """Paste the list of candidates, three of them with extra time."""
    page = teacher.page
    page.locator("input[value=individual]").check(force=True)
    for remove in page.get_by_role("button", name="Remove").all()[::-1]:
        remove.click()
    page.get_by_role("button", name="Paste a list").click()
    lines = [f"{name}; {EXTRA[name]}" if name in EXTRA else name for name in CANDIDATES]
    page.get_by_label("One name per line").fill("\n".join(lines))
    page.get_by_role("dialog").get_by_role("button", name="Add").click()
    teacher.field("Name of the session").fill("Algebra")
    teacher.submit.click()
    expect(teacher.status).to_have_text("pending")
    expect(page.locator(".run")).to_have_count(30)


def note(room: Console) -> Locator:
    """What the room's clock says besides the time."""
    return room.page.locator(".big-detail")


def let_someone_come_late(teacher: Console) -> None:
    """Someone who comes late begins at once."""
    teacher.page.get_by_role("button", name="Add a candidate").click()
    dialog = teacher.page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(LATE)
    dialog.get_by_role("button", name="Add").click()
    expect(section(teacher, "Writing")).to_have_count(31)
    expect(section(teacher, "Writing").filter(has_text=LATE)).to_have_count(1)


def pause_one(teacher: Console) -> None:
    """One candidate leaves the room and comes back; everyone else goes on."""
    choose(teacher, "Candidate 07", "Pause")
    expect(section(teacher, "Paused")).to_have_text(["Candidate 07"])
    expect(section(teacher, "Writing")).to_have_count(30)
    teacher.page.get_by_role("button", name="Resume: Candidate 07").click()
    expect(section(teacher, "Writing")).to_have_count(31)


def warn(teacher: Console, room: Console, target: str) -> None:
    """The last five minutes begin, for the room and for the teacher."""
    adjust(target, teacher.session_id, set_ms=5 * MINUTE_MS + 1500)
    for page in (teacher, room):
        expect(page.page.get_by_role("alert").filter(has_text=WARNING)).to_be_visible()
    expect(teacher.page.locator(".run[data-low]")).to_have_count(31)


def end(teacher: Console, room: Console, target: str) -> None:
    """One candidate hands in; for all others, time is up."""
    teacher.page.get_by_label("Search by name").fill("29")
    teacher.page.get_by_role("button", name="Finish: Candidate 29").click()
    expect(section(teacher, "Done")).to_have_text(["Candidate 29"])
    teacher.page.get_by_label("Search by name").fill("")
    adjust(target, teacher.session_id, set_ms=1000)
    for page in (teacher, room):
        expect(page.page.locator("body")).to_have_attribute("data-status", "completed")
        expect(note(page)).to_contain_text("Completed at")
    expect(section(teacher, "Done")).to_have_count(31)
    assert room.page.evaluate("document.documentElement.scrollHeight") == room.page.evaluate(
        "innerHeight"
    )
