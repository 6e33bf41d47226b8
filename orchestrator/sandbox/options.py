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

    # All vendors
    told_clock: bool = False  # True: time stands still until it is told
    latency: float = 0.0  # seconds added to each answer
    log_size: int = 200_000  # requests remembered


class Switches:
    """The options in force; vendors hold this and read `now` at each request."""

    def __init__(self, options: Options) -> None:
        self.now = options
