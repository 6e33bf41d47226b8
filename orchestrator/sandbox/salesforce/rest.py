"""The plain REST resources: versions, limits, objects, queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.sandbox.exchange import Answer
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.call import Call
from orchestrator.sandbox.salesforce.conditions import Found
from orchestrator.sandbox.salesforce.quotas import Quotas
from orchestrator.sandbox.salesforce.records import Org, Record, Table
from orchestrator.sandbox.salesforce.refusals import missing, refused, shown
from orchestrator.sandbox.salesforce.schema import ID
from orchestrator.sandbox.salesforce.selecting import Prepared, grouped, prepare, typed
from orchestrator.sandbox.salesforce.soql import malformed
from orchestrator.sandbox.told import Clock

LATEST = 66
OLDEST = 31  # older ones are retired
SMALLEST_PAGE, LARGEST_PAGE = 200, 2000


@dataclass(frozen=True, kw_only=True)
class Walk:
    """A query whose rows are read page by page."""

    prepared: Prepared
    rows: Sequence[Record]


class Rest:
    """The calls outside Bulk."""

    def __init__(self, clock: Clock, switches: Switches, org: Org, quotas: Quotas) -> None:
        self._clock = clock
        self._switches = switches
        self._org = org
        self._quotas = quotas
        self._walks: dict[str, Walk] = {}

    def versions(self) -> Answer:
        """`GET /services/data`; costs nothing, needs no token."""
        return shown(
            [
                {"label": f"Release {n}", "url": f"/services/data/v{n}.0", "version": f"{n}.0"}
                for n in range(OLDEST, LATEST + 1)
            ]
        )

    def resources(self, call: Call) -> Answer:
        """`GET /services/data/vXX.X`."""
        return shown({name: f"{call.base}/{name}" for name in ("limits", "sobjects", "query", "queryAll", "jobs")})

    def limits(self, call: Call) -> Answer:
        """`GET /limits`."""
        return shown(self._quotas.limits())

    def objects(self, call: Call) -> Answer:
        """`GET /sobjects`."""
        things = [table.thing.brief(call.base) for table in self._org.tables.values()]
        return shown({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": things})

    def describe(self, call: Call) -> Answer:
        """`GET /sobjects/{object}/describe`."""
        return shown(self._table(call).thing.described(call.base))

    def basics(self, call: Call) -> Answer:
        """`GET /sobjects/{object}`."""
        return shown({"objectDescribe": self._table(call).thing.brief(call.base), "recentItems": []})

    def _table(self, call: Call) -> Table:
        table = self._org.table(call.name)
        if table is None:
            raise missing()
        return table

    def query(self, call: Call) -> Answer:
        """`GET /query?q=` and `/queryAll?q=`."""
        soql = call.request.value("q")
        if not soql:
            raise malformed("a query is needed")
        prepared = prepare(self._org, soql)
        select = prepared.select
        if select.beyond:
            raise malformed(f"{select.beyond}: not imitated here")
        rows = prepared.run(self._org, self._clock.now(), deleted=call.last == "queryall")
        if select.counts:
            count = len(rows) if prepared.table.thing.kept else self._switches.now.sf_crates
            return shown({"totalSize": count, "done": True, "records": []})
        if select.is_grouped:
            groups = grouped(self._org, prepared, rows)
            return shown({"totalSize": len(groups), "done": True, "records": groups}, rows=len(groups))
        return self._page(call, Walk(prepared=prepared, rows=rows), "", 0)

    def more(self, call: Call) -> Answer:
        """`GET /query/01g…-2000`."""
        name, _, start = call.name.rpartition("-")
        if name not in self._walks or not start.isdigit():
            raise refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call, self._walks[name], name, int(start))

    def _page(self, call: Call, walk: Walk, name: str, start: int) -> Answer:
        size, fault = self._size(call), call.request.fault
        end = min(len(walk.rows), start + size)
        page = walk.rows[max(0, start - fault.overlap) : max(start, end - fault.drop_rows)]
        body: dict[str, Any] = {"totalSize": len(walk.rows) - fault.miscount, "done": end == len(walk.rows)}
        if not body["done"]:
            name = name or self._kept(walk)
            body["nextRecordsUrl"] = f"{call.base}/query/{name}-{end}"
        table, columns = walk.prepared.table, walk.prepared.columns
        records = [_record(call.base, table, columns, record) for record in page]
        return shown(body | {"records": records}, rows=len(records))

    def _kept(self, walk: Walk) -> str:
        name = ids.made("01g", 1_000_000 + len(self._walks))
        self._walks[name] = walk
        return name

    def _size(self, call: Call) -> int:
        wanted = call.request.headers.get("sforce-query-options", "").partition("batchSize=")[2]
        if wanted.isdigit():
            return min(LARGEST_PAGE, max(SMALLEST_PAGE, int(wanted)))
        return self._switches.now.sf_rest_rows


def _record(base: str, table: Table, columns: Sequence[Found], record: Record) -> Mapping[str, Any]:
    path = f"{base}/sobjects/{table.thing.name}/{record[ID]}"
    shown_: dict[str, Any] = {"attributes": {"type": table.thing.name, "url": path}}
    for found in columns:
        *parents, name = found.name.split(".")
        if not parents:
            shown_[name] = typed(found.field, found.get(record))
        elif not record[table.thing.parents[parents[0].lower()]]:
            shown_[parents[0]] = None
        else:
            parent = shown_.setdefault(parents[0], {"attributes": {"type": parents[0]}})
            parent[name] = typed(found.field, found.get(record))
    return shown_
