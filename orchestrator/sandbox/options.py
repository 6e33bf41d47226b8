"""Every switch of the sandbox; what the vendors' pages leave open is a switch here, with our guess as its default."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Options:
    """How the imitated vendors behave; can be changed while they run."""

    # Seeds
    people: int = 250
    accounts: int = 50
    others: int = 20  # records of each other list
    ties: int = 1  # seeded records that share one `updated_at`
    mixed_times: bool = False  # some timestamps with an offset and without microseconds

    # The rate limit at Salesloft
    rate: int = 600  # points per window and team; 0: no limit
    window: float = 60.0  # seconds
    sliding: bool = False  # False: fixed windows that start with the clock's minute
    retry_after: bool = True  # Retry-After on a 429
    limit_header: bool = False  # x-ratelimit-limit-minute, which only some answers carry

    # Bulk jobs at Salesloft
    speed: float = 5000.0  # rows per second a released job handles; 0: all of them at once
    start_after: float = 0.0  # seconds between the release and the first row
    create_code: int = 200
    closed_code: int = 422  # answer to a write after the release
    total_while_open: bool = True
    long_rows: bool = True  # job_data rows with bulk_job and times
    descending_pages: bool = False  # each page of rows upside down
    max_rows: int = 5000
    types: tuple[str, ...] = ("person/upsert", "account/upsert", "crm_share/upsert")
    scopes: tuple[str, ...] = ("person:set_crm_id",)  # what a new job catches
    first_row_id: int = 7_300_000_001  # beyond 32 bits, so that nobody stores it in less

    # Tokens at Salesloft
    tokens: tuple[str, ...] = ("sandbox-token",)  # never expire
    token_seconds: int = 7200  # life of an issued token
    refresh_token: str = "sandbox-refresh"
    client_id: str = "sandbox-client"
    client_secret: str = "sandbox-secret"
    refresh_revokes_access: bool = False  # a refresh also ends the older access tokens

    # The generic REST vendor
    rest_records: int = 25_000
    rest_ties: int = 1
    rest_max_page: int = 10_000
    rest_rate: int = 0  # requests per window; 0: no limit
    rest_window: float = 1.0  # seconds
    rest_sliding: bool = False
    rest_keys: tuple[str, ...] = ("sandbox-key",)

    # Salesforce: records and jobs to start with
    sf_accounts: int = 50
    sf_contacts: int = 250
    sf_others: int = 20  # records of each other standard object
    sf_crates: int = 100_000  # rows of a Bulk query of Crate__c, made on demand: any number is cheap
    sf_foreign_jobs: int = 0  # jobs of other integrations in the list; twelve kinds, two of them under our user

    # Salesforce: how jobs run
    sf_speed: float = 50_000.0  # rows per second of a running job; 0: all of them at once
    sf_start_after: float = 0.0  # seconds that a job stays UploadComplete
    sf_least_looks: int = 1  # how often a job is seen InProgress before it ends
    sf_fail_after: int = -1  # rows after which an ingest job ends Failed, the rest unprocessed; -1: never
    sf_lock_every: int = 0  # each so-manieth row of an ingest job fails with UNABLE_TO_LOCK_ROW; 0: none
    sf_query_error: str = ""  # what new query jobs fail with
    sf_stagger: int = 2  # most looks that one batch of 1.0 ends later than another, where sf_shuffle is not 0
    sf_batch_retries: int = 0  # how often each batch of 1.0 is put back into the queue before it is Completed
    sf_poison: str = ""  # text that lets the whole batch of 1.0 fail which holds it; empty: none
    sf_result_files: int = 1  # results of one query batch of 1.0
    sf_chunks_a_look: int = 3  # batches that a query of 1.0 is split into between two looks
    sf_empty_chunk: bool = True  # the last of them holds no rows
    sf_shuffle: int = 7  # seed of the order of ingest results and of the job list; 0: as they came
    sf_shuffle_pages: bool = True  # query results without ORDER BY come in any order
    sf_rerender: bool = False  # large numbers in results come back as 9.12260031E8
    sf_lost_columns: tuple[str, ...] = ()  # columns that are blank in results of ingest jobs
    sf_strict_breaks: bool = False  # a line break of the other kind fails the job within quotes too
    sf_nul: bool = False  # a result file has a NUL in its last cell
    sf_gzip: bool = False  # CSV answers are packed for callers that take it
    sf_empty_204: bool = False  # result files without rows are answered 204

    # Salesforce: result sets
    sf_result_rows: int = 250_000  # rows of a set where the caller names no maxRecords
    sf_rest_rows: int = 2_000  # rows of a page of a REST query
    sf_locator_seconds: int = 0  # life of a locator; 0: as long as the job
    sf_pages: str = "resultPages"  # or resultChunks, the other published shape; empty: the resource does not exist
    sf_page_rows: int = 50_000  # rows of a set that resultPages links to
    sf_page_links: int = 5
    sf_links: str = ""  # absolute, path, version: how the links start; empty: as published with the shape
    sf_next_while_short: bool = True  # a running job's unfinished page of links names where to ask again
    sf_next_name: str = "nextRecordsUrl"  # the guide's example; its table of fields says nextRecordUrl
    sf_linked_sets: bool = False  # a set read by its link names the locator of the set behind it, as others do

    # Salesforce: limits in 24 hours (0: none) and sizes
    sf_api_requests: int = 15_000
    sf_batches: int = 15_000
    sf_batch_rows: int = 10_000
    sf_records: int = 150_000_000
    sf_query_jobs: int = 10_000
    sf_upload_bytes: int = 150_000_000  # of one upload, as base64
    sf_multipart_chars: int = 100_000
    sf_list_page: int = 1000  # jobs a page of the list
    sf_list_other_path: bool = True  # nextRecordsUrl of the query list leads to the ingest list
    sf_open_hours: float = 24.0  # then an open job is closed
    sf_retention_days: float = 7.0  # then an ended job is gone
    sf_limit_tail: bool = False  # Sforce-Limit-Info with more than api-usage

    # Salesforce: who may do what
    sf_tokens: tuple[str, ...] = ("sandbox-token",)  # never expire
    sf_token_seconds: int = 7200  # life of a session after its last use
    sf_refresh_token: str = "sandbox-refresh"
    sf_instance_url: str = ""  # what token answers name as the org's address; empty: the one that was asked
    sf_rotate: bool = False  # each refresh brings a new refresh token and ends the old one
    sf_client_id: str = "sandbox-client"
    sf_client_secret: str = "sandbox-secret"
    sf_client_user: bool = True  # the app has a user for client credentials
    sf_username: str = "integration@sandbox.test"
    sf_public_key: str = ""  # PEM, key or certificate: what assertions are checked with; empty: none is good
    sf_audiences: tuple[str, ...] = ("https://login.salesforce.com", "https://test.salesforce.com")
    sf_jwt_seconds: int = 300  # how far ahead an assertion may end
    sf_sees_all: bool = True  # the user may see and abort the jobs of others
    sf_hard_delete: bool = True
    sf_not_bulk: tuple[str, ...] = ()  # more objects that Bulk refuses

    # All vendors
    told_clock: bool = False  # True: time stands still until it is told
    latency: float = 0.0  # seconds added to each answer
    log_size: int = 200_000  # requests remembered


class Switches:
    """The options in force; vendors hold this and read `now` at each request."""

    def __init__(self, options: Options) -> None:
        self.now = options
