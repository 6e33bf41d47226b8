"""The pages and the code say the same: nothing is missing, nothing is made up."""

import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import typer.main

from orchestrator.api.codes import CODES
from orchestrator.cli.main import make_app
from orchestrator.job.schedule import FireState
from orchestrator.job.status import JobStatus, StopReason, WaitReason
from orchestrator.job.step import StepKind
from orchestrator.settings import TESTS_ONLY, reference, reference_page
from orchestrator.store.tables import metadata
from tests.law.source import ROOT, Module, files, modules, obeyed
from tests.law.told import codes, log_events, log_sentences, nameless_events, timeline_events

DOCS = ROOT / "docs"
EVENTS = DOCS / "events.md"
DECISIONS = DOCS / "decisions"
FORM = ["Context", "Decision", "Consequences", "Alternatives"]
ONE_SCREEN = 60  # lines
WIDEST = 130  # characters of prose; tables and commands may be wider
COMPOSE_ONLY = {"BULKHEAD_IMAGE"}  # variables of compose files, not of the program
SETTLED = (JobStatus.COMPLETED, JobStatus.ABORTED, JobStatus.THROTTLED, JobStatus.CANCELED)


def pages() -> list[Path]:
    return sorted(DOCS.rglob("*.md"))


def first_column(page: Path, title: str) -> set[str]:
    """Return the code words of the first column of the table under a heading."""
    section = page.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    return {word for line in section.splitlines() for word in re.findall(r"^\| `([^`]+)` \|", line)}


def test_the_timeline_is_told_as_it_is():
    told = first_column(EVENTS, "The timeline of a job")

    assert told == timeline_events()


def test_every_event_has_a_name_of_its_own():
    obeyed("An event's name is written where it happens", nameless_events())


def test_the_log_is_told_as_it_is():
    told = first_column(EVENTS, "The log")

    assert told == log_events()


def test_a_log_line_is_an_event_and_not_a_sentence():
    obeyed("One event name, its facts in `extra`", log_sentences())


def test_the_webhooks_are_told_as_they_are():
    told = first_column(EVENTS, "Webhooks")

    of_schedules = {f"schedule.{state}" for state in (FireState.MISSED, FireState.SKIPPED, FireState.REFUSED)}
    assert told == {f"job.{status.lower()}" for status in SETTLED} | of_schedules


def test_the_settings_are_told_as_they_are():
    page = DOCS / "reference" / "settings.md"

    assert page.read_text() == reference_page()


def test_no_page_names_a_setting_that_does_not_exist():
    known = {each.variable for each in reference()} | TESTS_ONLY | COMPOSE_ONLY

    unknown = [
        f"{name}: {variable}"
        for name, text in files().items()
        if name.endswith((".md", ".yml", ".yaml", ".env", "Dockerfile"))
        for variable in set(re.findall(r"\bBULKHEAD_[A-Z_]+\b", text)) - known
    ]

    obeyed("Every variable is a setting", unknown)


def test_every_code_that_is_raised_is_known_to_the_api():
    unknown = codes() - CODES.keys() - row_codes()

    obeyed("api/codes.py says what every code means", unknown)


def row_codes() -> set[str]:
    """Return the codes that only rows have; they are in a job's errors, never an answer of the API."""
    return {"unprocessed", "vendor_refused_row", "bad_row", "bad_record", "read_only_field", "record_too_large"}


def test_every_code_has_a_page():
    written = {page.stem for page in (DOCS / "errors").glob("*.md")} - {"README"}

    missing = (set(CODES) | row_codes()) - written
    made_up = written - set(CODES) - row_codes()

    obeyed("docs/errors/ has a page for each code", missing)
    obeyed("A page is about a code that exists", made_up)


def test_the_pages_on_errors_say_what_the_api_says():
    different = [
        code
        for code, known in CODES.items()
        if not (text := (DOCS / "errors" / f"{code}.md").read_text()).startswith(f"# {code}\n")
        or known.title not in text
        or str(known.status) not in text
    ]

    obeyed("A page has the code, its title and its status", different)


def test_the_list_of_errors_has_every_code():
    index = (DOCS / "errors" / "README.md").read_text()

    missing = [code for code in {*CODES, *row_codes()} if f"[`{code}`]({code}.md)" not in index]

    obeyed("docs/errors/README.md lists every code", missing)


def test_every_command_is_told():
    told = "\n".join(text for name, text in files().items() if name == "README.md" or name.startswith("docs/"))

    missing = [name for name in commands() if not re.search(rf"bulkhead {name}\b", told)]

    obeyed("Every command appears in a page", missing)


def test_no_page_names_a_command_that_does_not_exist():
    known = set(commands()) | {name.split()[0] for name in commands()}

    made_up = [
        f"{page.relative_to(ROOT)}: {found}"
        for page in (*pages(), ROOT / "README.md")
        for found in re.findall(r"(?<=[`\n/])bulkhead(?: [a-z][a-z-]*){1,2}", typed(page))
        if found.removeprefix("bulkhead ") not in known and found.split()[1] not in leaves()
    ]

    obeyed("Every command in a page can be typed", made_up)


def typed(page: Path) -> str:
    """Return what a page gives to be typed: its code, in blocks and in lines."""
    text = page.read_text()
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", text, re.M | re.S)
    return "\n" + "\n".join((*blocks, *(f"`{each}" for each in re.findall(r"(?<!says )`(bulkhead [^`\n]+)`", text))))


def commands() -> list[str]:
    """Return every command, groups spelled out: `up`, `connection add`."""
    every = vars(typer.main.get_command(make_app([])))["commands"]
    return [name for top, command in every.items() for name in _spelled(top, vars(command).get("commands", ()))]


def leaves() -> set[str]:
    """Return the commands that are no groups."""
    return {name for name in commands() if " " not in name}


def _spelled(name: str, members: Iterable[str]) -> list[str]:
    return [f"{name} {each}" for each in members] or [name]


def test_every_status_reason_and_step_is_told():
    page = (DOCS / "lifecycle.md").read_text()

    words: Iterable[str] = (*JobStatus, *reasons(), *StepKind, *(set(WaitReason) - {WaitReason.TURN}))
    missing = [word for word in words if not re.search(rf"\b{re.escape(word)}\b", page)]

    obeyed("lifecycle.md tells every status, reason and step", missing)


def reasons() -> set[str]:
    """Return the reasons for which a job of this version can stop."""
    named = {name for module in modules("orchestrator/lifecycle", "orchestrator/steps") for name in reasons_in(module)}
    return {StopReason[name] for name in named}


def reasons_in(module: Module) -> list[str]:
    return re.findall(r"\bStopReason\.([A-Z_]+)", module.text)


def test_every_table_is_told():
    page = (DOCS / "architecture.md").read_text()

    missing = [name for name in metadata.tables if f"`{name}`" not in page]

    obeyed("architecture.md tells every table", missing)


def test_every_link_leads_somewhere():
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in (*pages(), ROOT / "README.md", ROOT / "CONTRIBUTING.md")
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text())
        if "://" not in target and not _leads(page, unquote(target))
    ]

    obeyed("A link leads to a page, and to a heading on it", broken)


def _leads(page: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    there = (page.parent / name).resolve() if name else page
    if not there.exists():
        return False
    return not anchor or anchor in {_anchor(title) for title in re.findall(r"^#+ (.+)$", there.read_text(), re.M)}


def _anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_every_page_can_be_found_from_the_first_one():
    seen, todo = set[Path](), [DOCS / "README.md"]
    while todo:
        page = todo.pop()
        if page.suffix == ".md" and page.exists() and page not in seen:
            seen.add(page)
            links = re.findall(r"\]\(([^)\s#]+)", page.read_text())
            todo.extend((page.parent / link).resolve() for link in links if "://" not in link)

    lost = [str(page.relative_to(ROOT)) for page in pages() if page not in seen and page.parent.name != "errors"]

    obeyed("docs/README.md leads to every page", lost)


def test_decisions_have_one_form():
    odd = [
        page.name
        for page in DECISIONS.glob("[0-9]*.md")
        if re.findall(r"^## (.+)$", page.read_text(), re.M) != FORM
        or not page.read_text().startswith(f"# {page.name[:4]}: ")
        or len(page.read_text().splitlines()) > ONE_SCREEN
    ]

    obeyed(f"A decision has {', '.join(FORM)}, on one screen", odd)


def test_decisions_are_numbered_without_a_gap():
    numbers = sorted(int(page.name[:4]) for page in DECISIONS.glob("[0-9]*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


def test_prose_is_not_wider_than_a_screen():
    wide = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in pages()
        for number, line in enumerate(page.read_text().splitlines(), 1)
        if len(line) > WIDEST and not line.startswith(("|", "    ", "bulkhead")) and "](" not in line
    ]

    obeyed(f"Lines of prose have at most {WIDEST} characters", wide)
