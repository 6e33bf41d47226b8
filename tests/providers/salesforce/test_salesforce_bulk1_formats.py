"""Bulk API 1.0 in its three formats: what is written, what is read, and what is not taken from the network."""

import msgspec
import pytest

from orchestrator.http.tokens import Auth
from orchestrator.job.criteria import Operation, UploadCriteria
from orchestrator.job.errors import Invalid, Misbehaved, Unreachable
from orchestrator.providers.batching import Ending
from orchestrator.providers.salesforce.answers import dress, is_stale, refusal
from orchestrator.providers.salesforce.bulk1.fates import end_of, row_fates
from orchestrator.providers.salesforce.bulk1.records import batch, check
from orchestrator.providers.salesforce.bulk1.rows import lines
from orchestrator.providers.salesforce.bulk1.wire import Batch, read_batches, read_ids, read_one
from orchestrator.providers.salesforce.rows import shaped

NS = 'xmlns="http://www.force.com/2009/06/asyncapi/dataload"'
PARENTS = [{"Name": "a<b&c", "Phone": None, "Account.Key__c": "K", "Lead:Who.Email": "x@y.test"}]
BOMBS = [
    b'<!DOCTYPE r [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><r>&b;</r>',
    b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>',
    b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/evil.dtd"><r/>',
    b"<r>",
    b'<?xml version="1.0" encoding="nonsense"?><r/>',
]


def written(kind: str) -> str:
    body = batch(msgspec.json.encode(PARENTS), kind, None)
    assert body is not None
    return body.decode()


def test_parents_are_columns_in_csv_and_objects_elsewhere() -> None:
    assert written("CSV") == "Name,Phone,Account.Key__c,Lead:Who.Email\na<b&c,#N/A,K,x@y.test\n"
    assert msgspec.json.decode(written("JSON")) == [
        {
            "Name": "a<b&c",
            "Phone": None,
            "Account": {"Key__c": "K"},
            "Who": {"attributes": {"type": "Lead"}, "Email": "x@y.test"},
        }
    ]
    xml = written("XML")
    assert '<Name>a&lt;b&amp;c</Name><Phone xsi:nil="true"/>' in xml
    assert "<Account><sObject><Key__c>K</Key__c></sObject></Account>" in xml
    assert "<Who><sObject><type>Lead</type><Email>x@y.test</Email></sObject></Who>" in xml


@pytest.mark.parametrize("kind", ["CSV", "JSON", "XML"])
def test_what_is_more_than_a_batch_may_have_is_none(kind: str) -> None:
    large = [{"Name": "x" * 30_000} for _ in range(340)]
    wide = [{f"F{n}": "x" for n in range(start, start + 4_000)} for start in (0, 4_000)]

    assert batch(msgspec.json.encode(large), kind, None) is None
    assert batch(msgspec.json.encode(wide), kind, None) is None


def test_a_field_may_have_thirty_two_thousand_characters_and_no_more() -> None:
    criteria = UploadCriteria(object_name="Account", operation=Operation.INSERT)

    assert check(shaped(criteria, {"Name": "x" * 32_000}), "CSV")
    with pytest.raises(Invalid, match="32001 characters"):
        check(shaped(criteria, {"Name": "x" * 32_001}), "CSV")


def test_a_character_that_xml_cannot_carry_is_refused_before_it_is_sent() -> None:
    assert check({"Name": "\x0b"}, "JSON")
    with pytest.raises(Invalid, match="XML cannot carry"):
        check({"Name": "\x0b"}, "XML")


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_document_that_could_reach_beyond_itself_is_not_read(bomb: bytes) -> None:
    for read in (read_batches, read_ids, lambda body: row_fates(body, "XML")):
        with pytest.raises(Misbehaved, match="no plain XML"):
            read(bomb)
    with pytest.raises(Misbehaved):
        lines(bomb, "XML", without_nulls=False)


def test_a_batch_is_read_from_xml_and_from_json() -> None:
    xml = f"<batchInfo {NS}><id>7519Q00000Qz1aBQAR</id><state>Failed</state><stateMessage>No</stateMessage></batchInfo>"
    json = '{"id":"7519Q00000Qz1aBQAR","state":"Failed","stateMessage":"No","numberRecordsProcessed":3}'

    one, other = read_one(xml.encode(), Batch), read_one(json.encode(), Batch)

    assert (one.key, one.state_message, other.number_records_processed) == ("7519Q00000Qz1aB", "No", 3)


@pytest.mark.parametrize("body", [b"{", b'{"state":"Open"}', b"[1]"])
def test_an_answer_that_is_not_what_it_says_is_asked_for_again(body: bytes) -> None:
    with pytest.raises(Unreachable):
        read_one(body, Batch)


@pytest.mark.parametrize("word", ["NotProcessed", "Not Processed", "NOT_PROCESSED"])
def test_a_batch_that_is_never_handled_is_known_in_every_spelling(word: str) -> None:
    assert end_of(Batch(id="751", state=word)).ending is Ending.SKIPPED


@pytest.mark.parametrize(
    ("message", "ending"),
    [
        ("InvalidBatch : Field name not found : Colour__c", Ending.UNFIT),
        ("TooManyLockFailure : Too many lock failure (200)", Ending.CROWDED),
        ("InternalServerError : ?", Ending.SPOILED),
        (None, Ending.SPOILED),
    ],
)
def test_a_failed_batch_says_what_its_rows_may_hope_for(message: str | None, ending: Ending) -> None:
    assert end_of(Batch(id="751", state="Failed", state_message=message)).ending is ending


def test_fates_read_the_same_in_all_formats() -> None:
    csv = b'"Id","Success","Created","Error"\n"a0B","true","true",""\n"","false","false","CODE:it:Name,Phone --"\n'
    json = b'[{"success":true,"created":true,"id":"a0B","errors":[]},{"success":false,"created":false,"id":null,\
"errors":[{"statusCode":"CODE","message":"it","fields":["Name","Phone"]}]}]'
    xml = f"""<results {NS}><result><id>a0B</id><success>true</success><created>true</created></result><result>
<errors><fields>Name</fields><fields>Phone</fields><message>it</message><statusCode>CODE</statusCode></errors>
<id xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/><success>false</success>
<created>false</created></result></results>""".encode()

    told = [row_fates(body, kind) for body, kind in ((csv, "CSV"), (json, "ZIP_JSON"), (xml, "XML"))]

    assert told[0] == told[1] == told[2]
    assert [fate.error for fate in told[0]] == [None, "CODE:it:Name,Phone --"]


def test_a_row_under_a_lock_may_go_through_later() -> None:
    body = b'"Id","Success","Created","Error"\n"","false","false","UNABLE_TO_LOCK_ROW:busy:--"\n'

    assert row_fates(body, "CSV")[0].is_passing


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (f"<error {NS}><exceptionCode>InvalidJob</exceptionCode><exceptionMessage>a &lt; b</exceptionMessage></error>",
         "InvalidJob: a < b"),
        ('{"exceptionCode":"InvalidBatch","exceptionMessage":"no"}', "InvalidBatch: no"),
        ("<html>busy</html>", "no explanation with status 400"),
        ("{", "no explanation with status 400"),
    ],
)  # fmt: skip
def test_refusals_are_read_from_xml_and_json(body: str, words: str) -> None:
    assert refusal(400, body.encode()) == words


def test_an_ended_session_is_told_by_a_400_too() -> None:
    assert is_stale(400, f"<error {NS}><exceptionCode>InvalidSessionId</exceptionCode></error>".encode())
    assert is_stale(401, b"")
    assert not is_stale(400, b'{"exceptionCode":"InvalidJob"}')
    assert not is_stale(403, b'{"exceptionCode":"InvalidSessionId"}')


def test_the_token_is_a_session_on_the_paths_of_1_0_and_a_bearer_elsewhere() -> None:
    auth = Auth(version=3, headers={"Authorization": "Bearer 00D!x"})

    assert dress("/services/async/61.0/job", auth).headers == {"X-SFDC-Session": "00D!x"}
    assert dress("/services/data/v61.0/query", auth) is auth
