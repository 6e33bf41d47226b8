"""Every error code that the API answers with, as data; `docs/errors/` has one page for each."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Code:
    """What one code means. `advice` stands in where the error itself brings none."""

    status: int
    title: str
    advice: str


def _code(status: int, title: str, advice: str) -> Code:
    return Code(status=status, title=title, advice=advice)


CODES: Mapping[str, Code] = {
    "invalid": _code(422, "A value cannot be taken", "Correct the named field and send the request again."),
    "missing_field": _code(422, "A required field is missing", "Add the named field."),
    "unknown_field": _code(422, "A field is not known", "Remove it, or spell it as suggested."),
    "unknown_parameter": _code(422, "A query parameter is not known", "Remove it, or spell it as suggested."),
    "unknown_connection": _code(422, "There is no such connection", "List the connections with GET /connections."),
    "unknown_provider": _code(422, "There is no such provider", "Name one of the providers in the message."),
    "unknown_object": _code(422, "The provider has no such object", "Name one of the objects in the message."),
    "not_described": _code(422, "Nobody describes the object's fields", "Read a record to see its fields."),
    "unknown_status": _code(422, "There is no such status", "Name one of the statuses in the message."),
    "unknown_format": _code(422, "There is no such format", "Name one of the formats in the message."),
    "not_available_yet": _code(422, "This is planned, but not built yet", "Leave the named field out for now."),
    "malformed_body": _code(422, "The body cannot be read", "Send one JSON object, UTF-8, with Content-Type."),
    "metadata_first": _code(422, "metaData must come before the file", "Put the part metaData before the part file."),
    "file_missing": _code(422, "The upload has no file", "Add a part named file after metaData."),
    "nothing_to_retry": _code(422, "No row is left to be sent again", "See the job's errors."),
    "empty_file": _code(422, "The file has no rows", "Send a file with at least one record."),
    "broken_csv": _code(422, "The CSV cannot be read", "Correct the quotes in the row that the message names."),
    "bad_csv_header": _code(422, "The CSV's header cannot be used", "Give every column one name of its own."),
    "too_many_cells": _code(422, "A row has more cells than the header", "Correct the row, or columnDelimiter."),
    "too_few_cells": _code(422, "A row has fewer cells than the header", "Correct the row, or columnDelimiter."),
    "empty_row": _code(422, "A row holds nothing", "Remove it."),
    "broken_json": _code(422, "The JSON cannot be read", "Correct the file at the row that the message names."),
    "bad_json": _code(422, "A row is no JSON object", "Send one object a line, or an array of objects."),
    "undecodable": _code(422, "A row is not in the file's encoding", "Name the encoding, or save as UTF-8."),
    "line_too_long": _code(422, "A line is too long", "Check that quotes are closed and lines end."),
    "broken_compression": _code(422, "The packed file is damaged", "Pack and send it again."),
    "bad_zip": _code(422, "The zip cannot be taken", "Put the table into request.txt at its root, and zip it again."),
    "wrong_format": _code(422, "The file is of another format than said", "Correct format, or leave it out."),
    "unknown_encoding": _code(422, "There is no such encoding", "Use UTF-8, UTF-16 or Windows-1252."),
    "unknown_delimiter": _code(422, "There is no such delimiter", "Use one of the words in the message."),
    "credentials": _code(422, "The credentials cannot be taken", "Send the fields that the message names."),
    "budget_differs": _code(422, "The budget exists with other limits", "Leave limits and reserve out to join it."),
    "invalid_settings": _code(422, "The connection's settings are wrong", "Correct the setting that is named."),
    "not_continuable": _code(
        422, "The job cannot be gone on from", "Name a COMPLETED download of the same connection and object."
    ),
    "unknown_setting": _code(422, "The provider has no such setting", "Leave it out."),
    "invalid_filter": _code(422, "The filter cannot be read", "Correct where at the character that is named."),
    "invalid_cron": _code(422, "The cron expression cannot be used", "Write five fields, like 0 6 * * 1-5."),
    "idempotency_mismatch": _code(
        422, "The Idempotency-Key was used for another request", "Use a new key for a new request."
    ),
    "no_batches": _code(422, "The provider's jobs have no batches", "Ask for the job itself."),
    "no_vendor_jobs": _code(422, "The provider runs no jobs", "Ask a connection whose provider does."),
    "unauthorized": _code(401, "The API key is missing or not valid", "Send Authorization: Bearer <api key>."),
    "scope_missing": _code(403, "The API key may not do this", "Use a key with the scope that the message names."),
    "not_found": _code(404, "There is no such thing", "Check the id; what belongs to others is not shown."),
    "method_not_allowed": _code(405, "The path does not take this method", "See /docs for what each path takes."),
    "not_acceptable": _code(406, "The result cannot be given in that format", "Accept JSONL, JSON or CSV."),
    "conflict": _code(409, "The thing is in no state for that", "Look at its status first."),
    "name_taken": _code(409, "The name is taken", "Choose another name, or remove the old one first."),
    "connection_in_use": _code(409, "The connection is in use", "Finish its jobs and remove its schedules first."),
    "job_ended": _code(409, "The job has ended", "Only a job that has not ended can be canceled."),
    "job_not_running": _code(409, "The job does not run", "There is nothing to pause."),
    "job_not_paused": _code(409, "The job is not paused", "Pause it first."),
    "job_not_stopped": _code(409, "The job did not stop", "Only an ABORTED or THROTTLED job can be restarted."),
    "job_not_ended": _code(409, "The job has not ended", "Wait for its end, or cancel it."),
    "not_an_upload": _code(409, "The job is no upload", "Only rows of an upload are sent again."),
    "restart_instead": _code(409, "A restart sends these rows", "Restart the job: it sends what is left of it."),
    "not_completed": _code(
        409, "The job has no complete result yet", "Wait for COMPLETED, or ask with ?partial=true or for /data."
    ),
    "still_running": _code(
        409, "The first request with this Idempotency-Key still runs", "Send it again in a few seconds."
    ),
    "reauthorize": _code(
        409, "The provider no longer takes the credentials", "Give new ones with PATCH /connections/{name}."
    ),
    "vendor_job_in_use": _code(409, "A job of ours needs the vendor job", "Cancel or restart that job instead."),
    "vendor_job_state": _code(409, "The vendor job is in no state for that", "Look at its state first."),
    "expired": _code(410, "The job's result has expired", "Start the job again; name a later expiresAt, or none."),
    "too_large": _code(413, "The body is too large", "Send large files as multipart to POST /bulk/upload."),
    "unsupported_media_type": _code(
        415, "The body's media type is not understood", "Send application/json or multipart/form-data."
    ),
    "throttled": _code(429, "The budget has no call left now", "Send the request again after Retry-After."),
    "too_many_requests": _code(
        429, "The key sends more requests than it may", "Send it again after Retry-After; ask less often."
    ),
    "internal": _code(500, "A mistake of ours", "Report the requestId; the log has the cause under it."),
    "vendor_gone": _code(502, "The provider has no such thing", "Check the connection's address and settings."),
    "vendor_misbehaved": _code(502, "The provider broke its own contract", "Send the request again; report it."),
    "vendor_rejected": _code(502, "The provider refused", "Read its own words in the message."),
    "unreachable": _code(502, "The provider gave no usable answer", "Send the request again soon."),
    "limiter_down": _code(503, "The limiter does not answer", "No call is made without it; try again soon."),
    "store_down": _code(503, "The database does not answer", "Nothing was lost; send the request again soon."),
    "store_busy": _code(503, "The database is busy", "Nothing was lost; send the request again soon."),
    "object_store_down": _code(503, "The object store does not answer", "Send the request again soon."),
    "object_missing": _code(500, "A stored object is gone", "Report the requestId; restart the job if it matters."),
    "object_damaged": _code(500, "A stored object is damaged", "Report the requestId; restart the job if it matters."),
}


def code_of(name: str) -> Code:
    """Return what a code means; one that is not in the table is a 422 of its own name."""
    return CODES.get(name, CODES["invalid"])
