"""The control plane: orders faults, tells the time, shows what happened. Under `/_sandbox`, without authorization."""

from dataclasses import asdict
from typing import Annotated, Any

import msgspec
from fastapi import Body, FastAPI, HTTPException, Response

from orchestrator.sandbox import wire
from orchestrator.sandbox.rest import Resource
from orchestrator.sandbox.salesloft.seeding import plant, seed
from orchestrator.sandbox.told import iso
from orchestrator.sandbox.world import World


def make_control(world: World) -> FastAPI:
    """Return the control plane of one world."""
    app = FastAPI(
        title="Sandbox control plane",
        docs_url="/_sandbox/docs",
        redoc_url=None,
        openapi_url="/_sandbox/openapi.json",
    )
    control = Control(world)
    for method, path, call, status in (
        ("POST", "faults", control.order, 201),
        ("GET", "faults", control.orders, 200),
        ("DELETE", "faults", control.clear, 204),
        ("POST", "spend", control.spend, 204),
        ("POST", "tokens", control.tokens, 204),
        ("POST", "reset", world.reset, 204),
        ("GET", "options", control.options, 200),
        ("PATCH", "options", control.change, 200),
        ("POST", "clock", control.clock, 200),
        ("POST", "seed", control.seed, 204),
        ("POST", "salesforce", control.org, 201),
        ("GET", "salesforce/{name}", control.org_records, 200),
        ("POST", "rest", control.resource, 204),
        ("GET", "log", control.log, 200),
        ("GET", "stats", control.stats, 200),
        ("GET", "people", control.people, 200),
        ("GET", "lists/{path:path}", control.records, 200),
    ):
        app.add_api_route(f"/_sandbox/{path}", call, methods=[method], status_code=status)
    return app


class Control:
    """The calls of the control plane, on one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def order(self, body: wire.OrderBody) -> dict[str, Any]:
        """Order a fault for requests to come."""
        id_ = self._world.order(body.fault.fault(), body.match.match(), times=body.times, after=body.after)
        return {"id": id_}

    def orders(self) -> list[dict[str, Any]]:
        """Show each order and how often it struck."""
        return self._world.faults.view()

    def clear(self) -> None:
        """Forget all orders."""
        with self._world.lock:
            self._world.faults.clear()

    def spend(self, body: wire.SpendBody) -> None:
        """Spend points as another integration of the team would."""
        with self._world.lock:
            self._world.vendors[body.vendor].eat(body.points)

    def tokens(self, body: wire.TokenBody) -> None:
        """Accept a token, or accept tokens no longer."""
        world = self._world
        with world.lock:
            tokens = world.salesloft.tokens if body.vendor == "salesloft" else world.salesforce.sessions
            if body.revoke:
                tokens.revoke(None if body.revoke == "*" else body.revoke)
            if body.add:
                tokens.add(body.add, body.user)
            if body.revoke_refresh:
                tokens.revoke_refresh()

    def options(self) -> dict[str, Any]:
        """Show every switch."""
        return asdict(self._world.switches.now)

    def change(self, body: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
        """Turn switches while the sandbox runs."""
        try:
            return asdict(self._world.change(body))
        except ValueError as error:
            raise HTTPException(422, str(error)) from error

    def clock(self, body: wire.ClockBody) -> dict[str, Any]:
        """Advance the clock, let it stand, let it run."""
        clock = self._world.clock
        with self._world.lock:
            if body.told is not None:
                clock.tell(body.told)
            return {"now": iso(clock.advance(body.advance)), "told": clock.told}

    def seed(self, body: wire.SeedBody) -> None:
        """Add records to Salesloft's lists."""
        tables = self._world.salesloft.tables
        if unknown := sorted({*body.lists, *body.records} - set(tables)):
            raise HTTPException(422, f"unknown lists: {', '.join(unknown)}")
        with self._world.lock:
            for path, count in body.lists.items():
                seed(tables[path], path, count, ties=body.ties)
            for path, records in body.records.items():
                plant(tables[path], records, self._world.clock.now())

    def org(self, body: wire.OrgBody) -> dict[str, Any]:
        """Add records to Salesforce, and jobs of other integrations; return the jobs' ids."""
        with self._world.lock:
            try:
                return {"jobs": self._world.salesforce.add(body.objects, body.records, body.jobs)}
            except (KeyError, ValueError) as error:
                raise HTTPException(422, f"unknown: {error}") from error

    def org_records(self, name: str) -> Response:
        """Show every record of a Salesforce object."""
        with self._world.lock:
            records = self._world.salesforce.records(name)
            if records is None:
                raise HTTPException(404, "unknown object")
            return _json({"data": records})

    def resource(self, body: wire.ResourceBody) -> None:
        """Offer the generic REST vendor's records in one more style, under `/rest/{name}`."""
        with self._world.lock:
            self._world.rest.add(Resource(**body.model_dump()))

    def log(self, since: int = 0, limit: int = 1000) -> Response:
        """Show requests, oldest first, after a sequence number."""
        with self._world.lock:
            return _json({"data": self._world.ledger.log(since, limit)})

    def stats(self) -> Response:
        """Show what was counted: requests, refusals, bulk jobs, rows, doubles."""
        with self._world.lock:
            counted = {name: vendor.stats() for name, vendor in self._world.vendors.items()}
            refusals = sum(vendor["refusals"] for vendor in counted.values())
            return _json({**self._world.ledger.stats(), "refusals": refusals, **counted})

    def people(self) -> Response:
        """Show every person."""
        return self.records("people")

    def records(self, path: str) -> Response:
        """Show every record of a list."""
        salesloft = self._world.salesloft
        if path not in salesloft.tables:
            raise HTTPException(404, "unknown list")
        with self._world.lock:
            salesloft.bulk.settle()
            rows = [row.body for row in salesloft.tables[path].rows.values()]
        return Response(b'{"data":[' + b",".join(rows) + b"]}", media_type="application/json")


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
