"""The control plane: orders faults, tells the time, shows what happened. Under `/_sandbox`, without authorization."""

from dataclasses import asdict
from typing import Any

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
    _add_faults(app, world)
    _add_state(app, world)
    _add_views(app, world)
    return app


def _add_faults(app: FastAPI, world: World) -> None:
    @app.post("/_sandbox/faults", status_code=201)
    def order(body: wire.OrderBody) -> dict[str, Any]:
        """Order a fault for requests to come."""
        return {"id": world.order(body.fault.fault(), body.match.match(), times=body.times, after=body.after)}

    @app.get("/_sandbox/faults")
    def orders() -> list[dict[str, Any]]:
        """Show each order and how often it struck."""
        return world.faults.view()

    @app.delete("/_sandbox/faults", status_code=204)
    def clear() -> None:
        """Forget all orders."""
        with world.lock:
            world.faults.clear()

    @app.post("/_sandbox/spend", status_code=204)
    def spend(body: wire.SpendBody) -> None:
        """Spend points as another integration of the team would."""
        with world.lock:
            world.vendors[body.vendor].eat(body.points)

    @app.post("/_sandbox/tokens", status_code=204)
    def tokens(body: wire.TokenBody) -> None:
        """Accept a token, or accept tokens no longer."""
        with world.lock:
            if body.revoke:
                world.salesloft.tokens.revoke(None if body.revoke == "*" else body.revoke)
            if body.add:
                world.salesloft.tokens.add(body.add)
            if body.revoke_refresh:
                world.salesloft.tokens.revoke_refresh()


def _add_state(app: FastAPI, world: World) -> None:
    @app.post("/_sandbox/reset", status_code=204)
    def reset() -> None:
        """Start again as at the beginning: seeds, options, clock, orders, log."""
        world.reset()

    @app.get("/_sandbox/options")
    def options() -> dict[str, Any]:
        """Show every switch."""
        return asdict(world.switches.now)

    @app.patch("/_sandbox/options")
    def change(body: dict[str, Any] = Body()) -> dict[str, Any]:
        """Turn switches while the sandbox runs."""
        try:
            return asdict(world.change(body))
        except ValueError as error:
            raise HTTPException(422, str(error)) from error

    @app.post("/_sandbox/clock")
    def clock(body: wire.ClockBody) -> dict[str, Any]:
        """Advance the clock, or let it stand."""
        with world.lock:
            if body.told is not None:
                world.clock.tell(body.told)
            now = world.clock.advance(body.advance)
            return {"now": iso(now), "told": world.clock.told}

    @app.post("/_sandbox/seed", status_code=204)
    def seeds(body: wire.SeedBody) -> None:
        """Add records to Salesloft's lists."""
        tables = world.salesloft.tables
        if unknown := sorted({*body.lists, *body.records} - set(tables)):
            raise HTTPException(422, f"unknown lists: {', '.join(unknown)}")
        with world.lock:
            for path, count in body.lists.items():
                seed(tables[path], path, count, ties=body.ties)
            for path, records in body.records.items():
                plant(tables[path], records, world.clock.now())

    @app.post("/_sandbox/rest", status_code=204)
    def resource(body: wire.ResourceBody) -> None:
        """Offer the generic REST vendor's records in one more style, under `/rest/{name}`."""
        with world.lock:
            world.rest.add(Resource(**body.model_dump()))


def _add_views(app: FastAPI, world: World) -> None:
    @app.get("/_sandbox/log")
    def log(since: int = 0, limit: int = 1000) -> Response:
        """Show requests, oldest first, after a sequence number."""
        with world.lock:
            entries = world.ledger.log(since, limit)
        return _json({"data": entries})

    @app.get("/_sandbox/stats")
    def stats() -> Response:
        """Show what was counted: requests, refusals, bulk jobs, rows, doubles."""
        with world.lock:
            counted = {name: vendor.stats() for name, vendor in world.vendors.items()}
            refusals = sum(vendor["refusals"] for vendor in counted.values())
            return _json({**world.ledger.stats(), "refusals": refusals, **counted})

    @app.get("/_sandbox/people")
    def people() -> Response:
        """Show every person."""
        return _dump("people")

    @app.get("/_sandbox/lists/{path:path}")
    def records(path: str) -> Response:
        """Show every record of a list."""
        if path not in world.salesloft.tables:
            raise HTTPException(404, "unknown list")
        return _dump(path)

    def _dump(path: str) -> Response:
        with world.lock:
            world.salesloft.bulk.settle()
            rows = [row.body for row in world.salesloft.tables[path].rows.values()]
        return Response(b'{"data":[' + b",".join(rows) + b"]}", media_type="application/json")


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
