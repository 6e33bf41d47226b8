"""What a whole Bulkhead leaves behind holds no secret: files, logs, what Redis keeps, what Flower shows."""

from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.journeys.running import Up, connect_shop, start_download

pytestmark = pytest.mark.journey

PATIENCE = timedelta(seconds=90)
REFUSED = "canary-token-4c4c"
KEPT_ON_PURPOSE = {"api-key", "keys", "flower-password"}  # mode 0600, in the home alone


class Watched(Up):
    """With Flower."""

    def _command(self) -> tuple[str, ...]:
        return tuple(word for word in super()._command() if word != "--no-flower")


def flower(up: Watched) -> str:
    """Return what Flower's API and pages show."""
    login = b64encode(f"bulkhead:{(up.home / 'flower-password').read_text().strip()}".encode()).decode()
    with httpx.Client(base_url=up.told["flower"], headers={"Authorization": f"Basic {login}"}, trust_env=False) as http:
        pages = [http.get(path) for path in ("/api/tasks", "/api/workers", "/tasks", "/metrics")]
    assert "bulk.fetch" in pages[0].text
    return "\n".join(page.text for page in pages)


def files(home: Path) -> dict[str, bytes]:
    """Return every file of the home: the database, what Redis keeps, logs, results."""
    every = [path for path in home.rglob("*") if path.is_file() and path.name not in KEPT_ON_PURPOSE]
    return {str(path.relative_to(home)): path.read_bytes() for path in every}


def test_nothing_that_a_whole_run_leaves_behind_holds_a_secret(tmp_path):
    up = Watched(tmp_path / "home")
    up.start()
    with up.client() as client:
        connect_shop(client, up.told["sandbox"])
        [signing] = [each["secret"].removeprefix("whsec_") for each in client.webhook_secrets()]
        ended = client.wait(start_download(client), patience=PATIENCE)
        refused = {"name": "refused", "provider": "salesloft", "baseUrl": up.told["sandbox"]}
        client.add_connection(refused | {"credentials": {"type": "bearer", "token": REFUSED}})
        stopped = client.wait(client.download({"connection": "refused", "objectName": "people"}).id, patience=PATIENCE)
        shown = flower(up)
    code = up.stop()

    key = (up.home / "api-key").read_text().strip()
    sealing = (up.home / "keys").read_text().strip()
    left = {"flower": shown.encode(), **files(up.home)}
    secrets = {"token": "sandbox-key", "refused": REFUSED, "API key": key, "keys": sealing, "webhook": signing}
    found = [
        (secret, where) for where, body in left.items() for secret, text in secrets.items() if text.encode() in body
    ]
    assert (ended["jobStatus"], stopped["jobStatus"], code) == ("COMPLETED", "ABORTED", 0)
    assert found == []
    assert any("redis" in where or "appendonly" in where for where in left)
