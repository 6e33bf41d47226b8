"""What rows do to the records of the imitated Salesforce, and how they are refused, by the fact sheet."""

import pytest

from .salesforce import rows

LONG = "x" * 41
WRONG = "INVALID_TYPE_ON_FIELD_IN_RECORD"
MARKS = {"TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`", "SEMICOLON": ";"}
ACCOUNT = {"object": "Account", "operation": "upsert", "externalIdFieldName": "External_Id__c"}


def one(org, soql):
    [record] = org.records(soql)
    return record


def an_id(org, where="External_Id__c = 'SEED-1'"):
    return one(org, f"SELECT Id FROM Contact WHERE {where}")["Id"]


def refused(org, text, **fields):
    """Load an upload whose only row is refused; return why."""
    [error] = org.errors(org.loaded(text, **fields))
    return error


def failed(org, text, **fields):
    """Load an upload that is refused as a whole; return why."""
    job = org.loaded(text, **fields)
    seen = org.look(job)
    assert (seen["state"], seen["numberRecordsProcessed"]) == ("Failed", 0)
    assert org.api.get(f"{job}/successfulResults").text.startswith('"sf__Id","sf__Created"')
    assert org.api.get(f"{job}/unprocessedrecords").content == (text if isinstance(text, bytes) else text.encode())
    return seen["errorMessage"]


def test_an_upsert_changes_what_matches_and_makes_what_does_not(org):
    job = org.loaded("External_Id__c,Name\nseed-1,Renamed\nNEW,Fresh\n", **ACCOUNT)

    created = {row["Name"]: row["sf__Created"] for row in org.file(job, "successfulResults")}

    assert created == {"Renamed": "false", "Fresh": "true"}
    assert one(org, "SELECT Name, Website FROM Account WHERE External_Id__c = 'seed-1'")["Name"] == "Renamed"
    assert org.counted("SELECT COUNT() FROM Account") == 51


def test_an_empty_cell_changes_nothing_and_a_null_mark_empties(org):
    id_ = an_id(org)

    org.loaded(f"Id,Phone,Email,FirstName\n{id_},,#N/A,Zora\n", operation="update")

    after = one(org, f"SELECT Phone, Email, FirstName, Name FROM Contact WHERE Id = '{id_}'")
    assert (after["Phone"], after["Email"], after["FirstName"]) == ("+1 555 0001", None, "Zora")
    assert after["Name"] == "Zora Quill"


def test_a_required_field_can_not_be_emptied(org):
    error = refused(org, f"Id,LastName\n{an_id(org)},#N/A\n", operation="update")

    assert error == "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"


def test_values_are_read_by_the_type_of_their_field(org):
    text = (
        "LastName,External_Id__c,DoNotCall,Birthdate,Last_Seen__c,Score__c\n"
        "A,T-1,1,2031-04-05,2031-04-05T06:07:08+02:00,912260031\n"
    )

    org.loaded(text)
    record = one(org, "SELECT DoNotCall, Birthdate, Last_Seen__c, Score__c FROM Contact WHERE External_Id__c = 'T-1'")

    del record["attributes"]
    assert record == {
        "DoNotCall": True,
        "Birthdate": "2031-04-05",
        "Last_Seen__c": "2031-04-05T04:07:08.000+0000",
        "Score__c": 912260031.0,
    }


@pytest.mark.parametrize(
    ("column", "value", "error"),
    [
        ("Email", "nobody", "INVALID_EMAIL_ADDRESS:Email: invalid email address: nobody:Email --"),
        ("FirstName", LONG, f"STRING_TOO_LONG:FirstName: data value too large: {LONG} (max length=40):FirstName --"),
        ("DoNotCall", "maybe", f"{WRONG}:DoNotCall: value not of required type: maybe:DoNotCall --"),
        ("Birthdate", "5 May", f"{WRONG}:Birthdate: value not of required type: 5 May:Birthdate --"),
        ("Score__c", "many", f"{WRONG}:Score__c: value not of required type: many:Score__c --"),
        ("AccountId", "001", "MALFORMED_ID:AccountId: id value of incorrect type: 001:AccountId --"),
        ("External_Id__c", "SEED-1", "DUPLICATE_VALUE:duplicate value found: External_Id__c duplicates value on"),
        ("Id", "0039Q0000000001AAA", "INVALID_FIELD_FOR_INSERT_UPDATE:cannot specify Id in an insert call:Id --"),
        ("IsDeleted", "true", "INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create/update fields: IsDeleted."),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_fails_its_row_alone(org, column, value, error):
    job = org.loaded(f"LastName,{column}\nBad,{value}\nGood,\n")

    assert [seen[: len(error)] for seen in org.errors(job)] == [error]
    assert len(org.file(job, "successfulResults")) == 1


def test_records_are_found_by_their_ids_or_the_row_says_why_not(org):
    id_ = an_id(org)
    org.loaded(f"Id\n{id_}\n", operation="delete")

    errors = {
        text: refused(org, f"Id,Title\n{text},T\n", operation="update")
        for text in (id_, "0039Q0000ZZZZZZ", "nonsense", "")
    }

    assert errors == {
        id_: "ENTITY_IS_DELETED:entity is deleted:--",
        "0039Q0000ZZZZZZ": "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--",
        "nonsense": "MALFORMED_ID:malformed id nonsense:--",
        "": "MISSING_ARGUMENT:Id not specified in an update call:--",
    }


def test_a_failed_update_shows_the_id_it_was_for(org):
    id_ = an_id(org)

    job = org.loaded(f"Id,Email\n{id_},nobody\n", operation="update")

    assert org.file(job, "failedResults")[0]["sf__Id"] == id_


def test_a_delete_can_be_seen_by_query_all_and_a_hard_delete_by_nothing(org):
    ids = [record["Id"] for record in org.records("SELECT Id FROM Contact LIMIT 2")]

    org.loaded(f"Id\n{ids[0]}\n", operation="delete")
    org.loaded(f"Id\n{ids[1]}\n", operation="hardDelete")

    assert org.counted("SELECT COUNT() FROM Contact") == 248
    assert [record["Id"] for record in org.records("SELECT Id FROM Contact WHERE IsDeleted = true", "queryAll")] == ids[
        :1
    ]


def test_an_external_id_stands_once_in_a_call(org):
    job = org.loaded("External_Id__c,Name\nTWIN,One\ntwin,Two\n", **ACCOUNT)

    assert org.errors(job) == ["DUPLICATE_VALUE:Duplicate external id specified: twin:External_Id__c --"]
    assert one(org, "SELECT Name FROM Account WHERE External_Id__c = 'TWIN'")["Name"] == "One"


def test_an_external_id_that_several_records_have_finds_none(org):
    org.loaded("LastName,Legacy_Number__c\nA,7\nB,7.0\n")
    keyed = {"operation": "upsert", "externalIdFieldName": "Legacy_Number__c"}

    errors = refused(org, "Legacy_Number__c,LastName\n7,C\n", **keyed)

    assert errors.startswith("DUPLICATE_EXTERNAL_ID:Legacy_Number__c: more than one record found")
    assert refused(org, "Legacy_Number__c,LastName\n,C\n", **keyed).startswith("MISSING_ARGUMENT:Legacy_Number__c not")


def test_a_parent_is_found_by_one_of_its_external_fields(org):
    text = "LastName,External_Id__c,Account.External_Id__c\nChild,P-1,SEED-3\nOrphan,P-2,NOBODY\n"

    job = org.loaded(text)

    assert one(org, "SELECT Account.Name FROM Contact WHERE External_Id__c = 'P-1'")["Account"]["Name"] == "Lindqvist 3"
    assert org.errors(job) == [
        "INVALID_FIELD:Foreign key external ID: NOBODY not found for field External_Id__c in entity Account:--"
    ]


def test_a_polymorphic_parent_is_named_with_its_object(org):
    email = one(org, "SELECT Email FROM Lead LIMIT 1")["Email"]

    job = org.loaded(f"Subject,Lead:Who.Email\nCall,{email}\n", object="Task")

    assert org.errors(job) == []
    assert one(org, "SELECT WhoId FROM Task WHERE Subject = 'Call'")["WhoId"].startswith("00Q")


def test_locked_rows_come_on_order(sandbox, org):
    sandbox.switch(sf_lock_every=2)

    job = org.loaded("LastName\nA\nB\nC\nD\n")

    assert sorted(row["LastName"] for row in org.file(job, "failedResults")) == ["B", "D"]
    assert set(org.errors(job)) == {"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--"}


def test_cells_keep_quotes_breaks_blanks_and_every_character(org):
    nasty = 'a ""quoted"" word, a\nbreak, 𝔘 🚢 \u2028 end '

    job = org.loaded(f'LastName,External_Id__c,Description\nA,N-1,"{nasty}"\n')
    [row] = org.file(job, "successfulResults")

    assert row["Description"] == nasty.replace('""', '"')
    assert one(org, "SELECT Description FROM Contact WHERE External_Id__c = 'N-1'")["Description"] == row["Description"]


@pytest.mark.parametrize(("name", "mark"), MARKS.items())
def test_every_delimiter_is_understood(org, name, mark):
    job = org.loaded(f"LastName{mark}Title\nA{mark}b, c\n", columnDelimiter=name)

    assert rows(org.api.get(f"{job}/successfulResults"), mark)[0]["Title"] == "b, c"


@pytest.mark.parametrize(
    ("text", "ending", "said"),
    [
        ("LastName\r\nA\r\n", "LF", "LineEnding is invalid on user data. Current LineEnding setting is LF"),
        ("LastName\nA\n", "CRLF", "LineEnding is invalid on user data. Current LineEnding setting is CRLF"),
        ("LastName;Title\nA;B\n", "LF", "InvalidBatch : Field name not found : LastName;Title"),
        ("LastName,Colour__c\nA,B\n", "LF", "InvalidBatch : Field name not found : Colour__c"),
        ("LastName,\nA,B\n", "LF", "InvalidBatch : Field name not found : "),
        ("LastName,lastname\nA,B\n", "LF", "InvalidBatch : Field name not found : lastname"),
        ('LastName\n"A"B\n', "LF", "ClientInputError : the CSV could not be read"),
        (b"LastName\n\xff\n", "LF", "ClientInputError : the data is not UTF-8"),
        ("LastName\n" + "x" * 131_073 + "\n", "LF", "ClientInputError"),
    ],
)
def test_an_upload_that_can_not_be_read_fails_as_a_whole_and_later(org, text, ending, said):
    assert said in failed(org, text, lineEnding=ending)


def test_a_break_of_the_other_kind_within_quotes_may_count_or_not(sandbox, org):
    text = 'LastName,Description\nA,"one\r\ntwo"\n'

    passed = org.errors(org.loaded(text))
    sandbox.switch(sf_strict_breaks=True)

    assert passed == []
    assert "LineEnding is invalid" in failed(org, text)


def test_a_delete_takes_the_id_alone(org):
    assert "Only the field Id" in failed(org, f"Id,LastName\n{an_id(org)},A\n", operation="delete")


def test_an_upsert_needs_its_key_among_the_columns(org):
    assert "Field name not found : External_Id__c" in failed(org, "Name\nA\n", **ACCOUNT)


def test_rows_that_do_not_fit_the_header_fail_alone(org):
    job = org.loaded('LastName,Title\nA,B,C\nD, "E"\nF\n')

    assert sorted(org.errors(job)) == [
        "INVALID_FIELD:a blank stands between a delimiter and a quote:--",
        "INVALID_FIELD:the row has 3 cells, the header 2:--",
    ]


def test_large_numbers_may_come_back_otherwise(sandbox, org):
    sandbox.switch(sf_rerender=True)

    job = org.loaded("LastName,Score__c\nA,912260031\n")

    assert org.file(job, "successfulResults")[0]["Score__c"] == "9.12260031E8"


def test_rows_for_crates_are_judged_and_forgotten(org):
    text = "Sku__c,Name,Email__c\nS-1,One,a@b.test\nS-2,Two,nobody\n"

    job = org.loaded(text, object="Crate__c", operation="upsert", externalIdFieldName="Sku__c")

    assert [row["Name"] for row in org.file(job, "successfulResults")] == ["One"]
    assert len(org.errors(job)) == 1
    assert org.caller.stats()["salesforce"]["records"]["Crate__c"] == 0
