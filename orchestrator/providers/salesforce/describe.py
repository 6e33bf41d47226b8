"""What fields an object has, asked of the org; an unknown object or field is answered with the nearest names."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from orchestrator.http.client import VendorClient
from orchestrator.job.errors import Invalid, Rejected
from orchestrator.providers.objects import resolve
from orchestrator.providers.provider import ObjectType
from orchestrator.providers.salesforce.wire import JSON, ObjectInfo, ObjectList, read

NOT_FOUND = 404
NEAREST = 3  # names offered where none fits


class Describer:
    """Asks what objects are like, of each once in a turn."""

    def __init__(self, http: VendorClient, base: str) -> None:
        self._http = http
        self._base = base
        self._known: dict[str, ObjectInfo] = {}

    def of(self, name: str) -> ObjectInfo:
        """Return what an object is like; at most one call. Raises Invalid as `described` does."""
        if name not in self._known:
            self._known[name] = described(self._http, self._base, name)
        return self._known[name]


def described(http: VendorClient, base: str, name: str) -> ObjectInfo:
    """Return what an object is like; one call.

    Raises Invalid (`objectName`) where there is no such object, after a second call for those that there are.
    """
    try:
        answer = http.get(f"{base}/sobjects/{name}/describe", headers=JSON)
    except Rejected as error:
        if error.status != NOT_FOUND:
            raise
        raise _unknown(http, base, name) from None
    return read(answer, ObjectInfo)


def field_types(http: VendorClient, base: str, name: str) -> Mapping[str, str]:
    """Return the type of each field of an object; one call. Raises Invalid as `described` does."""
    return described(http, base, name).types


def check_fields(thing: ObjectInfo, names: Iterable[str], criterion: str) -> None:
    """Raise Invalid (`criterion`, code `unknown_field`) where the object has no field of a name.

    Of a parent's field (`Owner.Email`) the way to the parent is checked; what the parent has is its own matter.
    """
    fields = {field.name.casefold(): field.name for field in thing.fields}
    parents = {link.casefold(): link for field in thing.fields if (link := field.relationship_name)}
    for name in names:
        first, dot, rest = name.partition(".")
        known = parents if dot else fields
        if first.casefold() not in known:
            nearest = get_close_matches(first.casefold(), known, n=NEAREST, cutoff=0.5)
            offered = ", ".join(f"{known[each]}{dot}{rest}" for each in nearest)
            advice = f"The nearest are {offered}" if offered else "List what there is with a describe of the object"
            what = "way to a parent" if dot else "field"
            problem = f"{thing.name} has no {what} {first!r}"
            raise Invalid(criterion, problem, advice, code="unknown_field")


def _unknown(http: VendorClient, base: str, name: str) -> Invalid | Rejected:
    known = read(http.get(f"{base}/sobjects", headers=JSON), ObjectList).sobjects
    objects = [ObjectType(name=each.name, label=each.label, plural=each.label_plural) for each in known]
    try:
        meant = resolve(objects, name).name
    except Invalid as error:
        return error
    return Invalid("objectName", f"there is no object {name!r}", f"Did you mean {meant}?", code="unknown_object")
