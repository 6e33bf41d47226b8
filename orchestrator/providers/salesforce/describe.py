"""What fields an object has, asked of the org; an unknown object is answered with the nearest names."""

from collections.abc import Mapping

from orchestrator.http.client import VendorClient
from orchestrator.job.errors import Invalid, Rejected
from orchestrator.providers.objects import resolve
from orchestrator.providers.provider import ObjectType
from orchestrator.providers.salesforce.wire import JSON, ObjectInfo, ObjectList, read

NOT_FOUND = 404


def field_types(http: VendorClient, base: str, name: str) -> Mapping[str, str]:
    """Return the type of each field of an object; one call. Raises as `described`."""
    return {field.name: field.type for field in described(http, base, name).fields}


def described(http: VendorClient, base: str, name: str) -> ObjectInfo:
    """Return what the org says of an object; one call.

    Raises Invalid (`objectName`) where there is no such object, after a second call for those that there are.
    """
    try:
        answer = http.get(f"{base}/sobjects/{name}/describe", headers=JSON)
    except Rejected as error:
        if error.status != NOT_FOUND:
            raise
        raise _unknown(http, base, name) from None
    return read(answer, ObjectInfo)


def _unknown(http: VendorClient, base: str, name: str) -> Invalid | Rejected:
    known = read(http.get(f"{base}/sobjects", headers=JSON), ObjectList).sobjects
    objects = [ObjectType(name=each.name, label=each.label, plural=each.label_plural) for each in known]
    try:
        meant = resolve(objects, name).name
    except Invalid as error:
        return error
    return Invalid("objectName", f"there is no object {name!r}", f"Did you mean {meant}?", code="unknown_object")
