"""Result files of ingest jobs, as fates."""

import msgspec
import pytest

from orchestrator.providers.salesforce.fates import FILES, PAGE, fate_pages, split_error
from orchestrator.providers.salesforce.table import written

GOOD, BAD = range(len(FILES))
HEADS = ('"sf__Id","sf__Created",Name,Code__c\n', '"sf__Id","sf__Error",Name,Code__c\n')


def a_file(rows: int, text: str = "x") -> bytes:
    return (HEADS[GOOD] + "".join(f'"003{n}","true","{text}","{n}"\n' for n in range(rows))).encode()


@pytest.mark.parametrize("rows", [0, 1, PAGE, PAGE + 1, 3 * PAGE])
def test_a_file_is_read_in_pages_and_goes_on_where_it_was_left(rows):
    whole = [fate.record for page in fate_pages(a_file(rows), GOOD, 0, None) for fate in page.fates]
    pages = list(fate_pages(a_file(rows), GOOD, 0, None))

    assert len(whole) == rows
    assert pages[-1].next == {"file": BAD}
    for page in pages[:-1]:
        again = fate_pages(a_file(rows), GOOD, page.next["row"], None)
        assert [fate.record for rest in again for fate in rest.fates] == whole[page.next["row"] :]


def test_the_last_page_of_the_last_file_is_the_end():
    body = HEADS[BAD] + '"","A_CODE:text:Name --","two\nlines",""\n'

    (page,) = fate_pages(body.encode(), BAD, 0, "code__c")

    assert page.next is None
    (fate,) = page.fates
    assert (fate.status, fate.code, fate.message, fate.identifier) == ("error", "A_CODE", "text (Name)", None)
    assert msgspec.json.decode(fate.record) == {"Name": "two\nlines"}


def test_a_refused_row_is_named_by_its_key_or_else_by_its_id():
    body = HEADS[BAD] + '"0031","X:y:--","A","7"\n"0032","X:y:--","B",""\n'

    (page,) = fate_pages(body.encode(), BAD, 0, "code__c")

    assert [fate.identifier for fate in page.fates] == ["7", "0032"]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --", "REQUIRED_FIELD_MISSING",
         "Required fields are missing: [LastName]"),
        ("UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--", "UNABLE_TO_LOCK_ROW",
         "unable to obtain exclusive access to this record"),
        ("STRING_TOO_LONG:Name: data value too large: a:b (max length=80):Name --", "STRING_TOO_LONG",
         "Name: data value too large: a:b (max length=80)"),
        ("MALFORMED_ID:bad id 7:AccountId, OwnerId --", "MALFORMED_ID", "bad id 7 (AccountId, OwnerId)"),
        ("DUPLICATE_VALUE:two\nlines", "DUPLICATE_VALUE", "two\nlines"),
        ("something went wrong", None, "something went wrong"),
    ],
)  # fmt: skip
def test_an_error_is_split_into_code_and_message(words, code, message):
    assert split_error(words) == (code, message)


def test_a_result_of_a_hundred_megabytes_is_read_in_the_memory_of_a_few_pages(at_most):
    body = a_file(25_000, "x" * 4_000)

    with at_most(12):
        told = sum(len(page.fates) for page in fate_pages(body, GOOD, 0, None))

    assert len(body) > 100_000_000
    assert told == 25_000


def test_a_large_chunk_becomes_csv_in_three_times_its_size(at_most):
    records = msgspec.json.encode([{f"Column_{c}__c": f"value {n} {c}" for c in range(20)} for n in range(25_000)])

    with at_most(3 * len(records) >> 20):
        size = len(written(records))

    assert len(records) > 14_000_000
    assert size > 7_000_000
