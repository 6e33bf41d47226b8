"""What an ingest job's result files say of each row."""

from orchestrator.providers.salesforce.fates import fate_page

FAILED = b"""sf__Id,sf__Error,LastName\r
"","UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--",Ada\r
"","REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",\r
"""


def test_a_record_that_was_locked_may_pass_when_it_is_sent_again():
    locked, missing = fate_page(FAILED, None).fates

    assert (locked.status, locked.retryable) == ("error", True)
    assert (missing.status, missing.retryable) == ("error", False)
