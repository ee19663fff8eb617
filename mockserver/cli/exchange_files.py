"""The work of the commands `import` and `export`: recordings of other programs, and the journal of a running server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mockserver.client.control_client import ControlClient
from mockserver.errors import InputError
from mockserver.matching.fixture_files import list_fixture_files
from mockserver.recording.exchange_mask import ExchangeMask, build_exchange_mask
from mockserver.recording.fixture_import import ImportResult, import_files
from mockserver.recording.fixture_writer import NoFixtureError
from mockserver.recording.http_exchange import ImportRouter
from mockserver.recording.journal_export import export_har, export_json_lines
from mockserver.recording.recording_file import list_fixture_names
from mockserver.recording.upstream import find_upstreams
from mockserver.schema.messages import format_count, suggest_name
from mockserver.server.app import load_vendors


def import_recordings(
    files: tuple[Path, ...], folder: Path, vendor: str, upstreams: tuple[str, ...], mask: ExchangeMask
) -> ImportResult:
    """Write files as fixtures to a folder. `vendor` is that of requests without a host. Raises InputError."""
    router = load_vendors(())
    if vendor not in router.vendors:
        raise InputError.from_message(
            f"found {vendor!r}{suggest_name(vendor, router.vendors)}", "--default-vendor"
        )
    present = list_fixture_files(folder) if folder.is_dir() else []
    taken = [name for path in present for name in list_fixture_names(path)]
    import_router = ImportRouter(router, find_upstreams(router, upstreams), vendor)
    try:
        return import_files(files, folder, import_router, mask, taken)
    except OSError as error:
        raise InputError.from_message(f"cannot be written: {error.strerror}", source=str(folder)) from None


def format_import(result: ImportResult) -> str:
    """Return a line for each file that was imported."""
    return "\n".join(_format_files(result))


def _format_files(result: ImportResult) -> Iterator[str]:
    for file in result.files:
        if file.part_count and not file.is_written:
            requests = format_count(file.part_count, "request")
            yield f"added {requests} of {file.source} to the fixtures of equal requests of other files"
        elif file.part_count:
            masked = f", {format_count(file.masked_count, 'value')} masked" if file.masked_count else ""
            yield f"imported {format_count(file.part_count, 'request')} of {file.source} to {file.target}{masked}"
        else:
            yield f"imported nothing of {file.source}"


def create_exchange_mask(masks: tuple[str, ...], *, is_off: bool) -> ExchangeMask:
    """Create the mask of the options. Raises InputError for an invalid expression."""
    try:
        return build_exchange_mask(masks, is_off=is_off)
    except ValueError as error:
        raise InputError.from_message(str(error), "--mask") from None


def export_journal(url: str, token: str | None, session: str | None, form: str, mask: ExchangeMask) -> bytes:
    """Return the requests of a server, the oldest first, in a format. Raises InputError if there is no server."""
    try:
        client = ControlClient(url, token)
        details = list(_load_details(client, session))
        if form == "har":
            return export_har(details, mask, client.root)
        return b"".join(export_json_lines(details, mask))
    except (ConnectionError, LookupError, ValueError, NoFixtureError) as error:
        raise InputError.from_message(str(error)) from None


def _load_details(client: ControlClient, session: str | None) -> Iterator[dict[str, Any]]:
    """Yield the requests of a journal in detail, without those that are evicted meanwhile."""
    rows: Iterable[dict[str, Any]] = client.get("/requests", session)["requests"]
    for row in sorted(rows, key=lambda row: int(row["number"])):
        status, detail = client.send("GET", f"/requests/{row['id']}", session)
        if status != 404:
            yield client.check_response(status, detail)
