"""The cheaper way to read a list is chosen, and told."""

import pytest

from orchestrator.providers.salesloft.answers import page_cost, pages_cost
from orchestrator.sandbox.options import Options
from tests.lifecycle.workshop import Workshop


@pytest.fixture
def options() -> Options:
    """Enough people that page numbers become dear, at a small page size."""
    return Options(people=1_200, accounts=0, others=3, rate=0)


@pytest.mark.parametrize("pages", [1, 100, 101, 150, 151, 250, 251, 500, 501, 750])
def test_pages_cost_what_their_numbers_cost(pages: int) -> None:
    assert pages_cost(pages) == sum(page_cost(number) for number in range(1, pages + 1))


def test_a_long_list_is_read_by_time_for_a_point_a_page(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("salesloft"), "person", page_size=5)

    done = workshop.run(job)

    (told,) = workshop.told(job, "plan.chosen")
    assert told == {"way": "updated_at", "cost": 301, "alternative": "page", "alternativeCost": 100 + 150 + 8 * 90}
    assert done.api_calls_total <= 301 + 2


def test_the_choice_is_told_once(workshop: Workshop) -> None:
    job = workshop.download(workshop.connect("salesloft"), "person", page_size=100)
    workshop.run(job, until=lambda: workshop.job(job).counts.stored)

    workshop.run(job)

    assert len(workshop.told(job, "plan.chosen")) == 1
