"""The form shows errors at their fields and creates sessions from its values."""

from playwright.sync_api import expect

from tests.e2e.conftest import Opener
from tests.e2e.problems import Problems


def test_a_validation_error_of_the_api_is_shown_at_its_field(
    open_page: Opener, problems: Problems
) -> None:
    console = open_page()
    field = console.field("Time on each clock")
    field.fill("0:00.5")
    console.submit.click()
    expect(field).to_have_accessible_description("Must be at least 0:01 0.5 seconds")
    expect(field).to_be_focused()
    expect(console.field("Added per turn")).not_to_have_attribute("aria-invalid", "true")
    problems.expect("400 (Bad Request)")
    field.fill("5:00")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    console.submit.click()
    expect(console.time_of("Ada")).to_have_text("5:00")


def test_a_validation_error_of_a_participant_is_shown_in_its_row(
    open_page: Opener, problems: Problems
) -> None:
    console = open_page()
    bens = console.field("Own time: participant Ben")
    bens.fill("99:00:00")
    console.submit.click()
    expect(bens).to_have_accessible_description("Cannot exceed 24:00:00")
    problems.expect("400 (Bad Request)")


def test_an_error_is_at_its_person_if_another_one_starts(
    open_page: Opener, problems: Problems
) -> None:
    console = open_page()
    bens = console.field("Own time: participant Ben")
    bens.fill("99:00:00")
    console.field("Who starts").select_option("Ben")
    console.submit.click()
    expect(bens).to_have_accessible_description("Cannot exceed 24:00:00")
    problems.expect("400 (Bad Request)")


def test_a_session_that_needs_someone_says_so(open_page: Opener, problems: Problems) -> None:
    console = open_page()
    page = console.page
    page.locator("input[value=individual]").check(force=True)
    people = page.get_by_role("group", name="Participants")
    expect(people).to_contain_text("People can also join later with a code.")
    expect(people.get_by_role("button", name="Remove all")).to_be_hidden()
    for remove in people.get_by_role("button", name="Remove").all()[::-1]:
        remove.click()
    expect(people).to_contain_text("Add at least one person. Others can join later with a code.")
    console.submit.click()
    expect(people.get_by_role("alert")).to_have_text("Must have at least 1 participant")
    expect(people.get_by_role("button", name="Add a person")).to_be_focused()
    problems.expect("400 (Bad Request)")
    page.keyboard.press("Enter")
    expect(people.get_by_role("alert")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page.locator(".run-name")).to_have_text(["Candidate 1"])


def test_an_error_of_an_item_is_shown_in_its_row_of_the_agenda(
    open_page: Opener, problems: Problems
) -> None:
    console = open_page()
    console.page.locator("input[value=global]").check(force=True)
    console.page.get_by_role("button", name="Meeting", exact=True).click()
    console.page.get_by_role("button", name="Add an item").click()
    last = console.field("Length: item 4")
    last.fill("0:00.5")
    console.submit.click()
    expect(last).to_have_accessible_description("Must be at least 0:01")
    problems.expect("400 (Bad Request)")
    last.fill("soon")
    console.submit.click()
    expect(last).to_have_accessible_description("Enter a time, such as 45m, 1h30 or 1:30:00")
    last.fill("2:00")
    console.submit.click()
    expect(console.page.locator(".agenda-row")).to_have_count(4)


def test_the_number_of_questions_is_checked(open_page: Opener) -> None:
    console = open_page()
    console.page.locator("input[value=global]").check(force=True)
    console.page.get_by_role("button", name="Quiz", exact=True).click()
    for wrong in ("0", "101", "ten", ""):
        console.field("Questions").fill(wrong)
        console.submit.click()
        expect(console.page.get_by_text("Enter a number from 1 to 100")).to_be_visible()


def test_an_invalid_time_is_rejected_by_the_form(open_page: Opener) -> None:
    console = open_page()
    field = console.field("Time on each clock")
    field.fill("three minutes")
    console.submit.click()
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(console.page.get_by_text("Enter a time, such as 45m, 1h30 or 1:30:00")).to_be_visible()


def test_a_time_is_read_in_every_usual_form(open_page: Opener) -> None:
    page = open_page().page
    read = """async texts => {
      const { parseTime } = await import("/console/parse-time.js");
      return texts.map(text => String(parseTime(text, "m")));
    }"""
    minute = 60_000
    expected = {
        "45": 45 * minute,
        "1.5": 1.5 * minute,
        "45m": 45 * minute,
        "45 min": 45 * minute,
        "1h30": 90 * minute,
        "1h 30m": 90 * minute,
        "1m30": 1.5 * minute,
        "90s": 1.5 * minute,
        "1:30": 1.5 * minute,
        "1:30:00": 90 * minute,
        "-5": -5 * minute,
    }
    seen = page.evaluate(read, list(expected))
    assert seen == [str(int(ms)) for ms in expected.values()]
    wrong = ["soon", "90s5", "1:2:3:4", "m", "-", "1h30x", "9" * 400]
    assert set(page.evaluate(read, wrong)) == {"NaN"}
    assert page.evaluate(read, ["", " "]) == ["null", "null"]


def test_a_plain_number_counts_in_the_unit_of_the_preset(open_page: Opener) -> None:
    console = open_page()
    console.page.locator("input[value=per_cycle]").check(force=True)
    time = console.field("Time per turn")
    time.fill("45")
    expect(time).to_have_accessible_description("45 seconds")
    console.page.locator("input[value=individual]").check(force=True)
    time = console.field("Time for each")
    expect(time).to_have_accessible_description("1 hour")
    time.fill("1h30")
    expect(time).to_have_accessible_description("1 hour 30 minutes")
    time.fill("45")
    expect(time).to_have_accessible_description("45 minutes")
    console.submit.click()
    expect(console.page.get_by_role("timer").first).to_have_text("45:00")


def test_participants_may_have_different_times(open_page: Opener) -> None:
    console = open_page()
    console.field("Own time: participant Ben").fill("1:30")
    console.field("Name: participant 2").fill("Grandmaster")
    console.page.get_by_role("button", name="Add a person").click()
    console.submit.click()
    expect(console.time_of("Ada")).to_have_text("3:00")
    expect(console.time_of("Grandmaster")).to_have_text("1:30")
    expect(console.time_of("Person 3")).to_have_text("3:00")


def test_markup_in_a_name_is_escaped(open_page: Opener) -> None:
    console = open_page()
    name = "<img src=x onerror=alert(1)>"
    console.field("Name: participant 1").fill(name)
    console.submit.click()
    expect(console.active).to_have_text(name)
    expect(console.page.locator("main img")).to_have_count(0)
