"""A vendor's words stop at the vendor's folder."""

import re
from collections.abc import Mapping

from tests.law.source import modules, obeyed

WORDS: Mapping[str, tuple[str, ...]] = {
    "salesloft": (
        "ready_to_execute", "job_data", "bulk_jobs", "x-ratelimit-endpoint-cost", "x-ratelimit-remaining-minute",
        "updated_at[", "next_page", "include_paging_counts", "person_address",
    ),
    "salesforce": (
        "UploadComplete", "JobComplete", "InProgress", "Sforce-", "jobs/ingest", "jobs/query",
        "sObject", "X-SFDC-Session", "REQUEST_LIMIT_EXCEEDED", "successfulResults", "failedResults",
    ),
}  # fmt: skip
ELSEWHERE = ("orchestrator/sandbox/",)


def test_a_vendors_words_stay_in_the_vendors_folder():
    strays = [
        f"{module.path}:{number} {word}"
        for vendor, words in WORDS.items()
        for module in modules()
        if not module.is_one_of([f"orchestrator/providers/{vendor}/", *ELSEWHERE])
        for number, line in enumerate(module.lines, 1)
        for word in words
        if re.search(rf"(?<![\w-]){re.escape(word)}", line)
    ]

    obeyed("Outside the vendor's folder there are words of the product only", strays)
