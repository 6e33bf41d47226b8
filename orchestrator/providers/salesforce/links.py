"""Links to the sets of a result, which can be read side by side, also while the query runs.

Two shapes are published, and links that are absolute, relative to the host, or to the API version; of each only the
parameters are taken, so that a set is read at our own address and credentials never go elsewhere.
https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/query_get_parallel_results.htm
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from orchestrator.job.errors import Misbehaved
from orchestrator.job.step import Cursor
from orchestrator.providers.links import Links
from orchestrator.providers.salesforce.wire import PROVIDER, LinkList

FULL = 5  # links that a page of them has at most
LINK = "link"  # in the cursor of a piece: the parameters that it is read by


def links_of(found: LinkList, remote_id: str, walk: Cursor) -> Links:
    """Return the links of a page that the walk had not seen there, and where it goes on; raises Misbehaved.

    While the query runs, a page of links may not be full yet: it is asked for again, under the same address or another.
    """
    sets = [_parameters(link, remote_id, "results") for link in found.links]
    seen, here = walk.get("seen", []), walk.get("page", {})
    fresh = [each for each in sets if each not in seen]
    there = here if found.following is None else _parameters(found.following, remote_id, "resultpages")
    moved = there != here
    return Links(
        pages=[{LINK: each} for each in fresh],
        walk={"page": there, "seen": sets if moved else [*seen, *fresh]},
        more=moved and len(sets) >= FULL,
        done=found.done and not moved,
    )


def _parameters(link: str, remote_id: str, resource: str) -> Mapping[str, str]:
    try:
        parts = urlsplit(link)
    except ValueError:
        raise Misbehaved(PROVIDER, "a link that is no address") from None
    *_, job, name = ["", "", *parts.path.rstrip("/").split("/")]
    if job[:15] != remote_id[:15] or name.lower() != resource:
        raise Misbehaved(PROVIDER, "a link that leads to another thing than the result")
    return dict(parse_qsl(parts.query))
