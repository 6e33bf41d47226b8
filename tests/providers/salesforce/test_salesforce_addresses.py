"""Which address a token may bring a connection to."""

import pytest

from orchestrator.providers.salesforce.addresses import address

LOGIN = "https://login.salesforce.com/services/oauth2/token"
OLD, NEW = "https://cedar.my.salesforce.com", "https://cedar-two.my.salesforce.com"


@pytest.mark.parametrize(
    ("current", "token_url", "told", "taken"),
    [
        ("https://login.salesforce.com", LOGIN, OLD, OLD),
        (OLD, LOGIN, NEW, NEW),
        (OLD, LOGIN, "https://CEDAR-TWO.my.salesforce.com:443/", "https://cedar-two.my.salesforce.com:443"),
        (OLD, LOGIN, OLD, None),
        ("https://gateway.company.test", LOGIN, NEW, None),
        (OLD, LOGIN, "https://evil.test", None),
        (OLD, LOGIN, "https://evilsalesforce.com", None),
        (OLD, LOGIN, "https://my.salesforce.com.evil.test", None),
        (OLD, LOGIN, "https://my.salesforce.com@evil.test", None),
        (OLD, LOGIN, "https://cedar.my.salesforce.com:8443", None),
        (OLD, LOGIN, "http://cedar.my.salesforce.com", None),
        (OLD, LOGIN, "http://169.254.169.254", None),
        (OLD, LOGIN, "https://[::1", None),
        (OLD, LOGIN, "", None),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8081/token", "http://127.0.0.1:8082", "http://127.0.0.1:8082"),
        ("https://corp.test", "https://corp.test/token", "http://corp.test", None),
    ],
)
def test_a_token_leads_to_the_vendors_own_servers_or_to_the_one_that_gave_it(
    current: str, token_url: str, told: str, taken: str | None
) -> None:
    assert address(current, token_url, told) == taken
