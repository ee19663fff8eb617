"""The reports of a running server besides its access log: start, reloads and warnings, as text or as JSON."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from mockserver import __version__
from mockserver.errors import InputError
from mockserver.schema.messages import format_count
from mockserver.settings import ADMIN_PREFIX, Settings

if TYPE_CHECKING:
    from mockserver.fixtures.fault_rules import FaultRule
    from mockserver.matching.fixture_set import FixtureSet
    from mockserver.vendors.profile import VendorProfile
    from mockserver.vendors.routing import VendorRouter


@dataclass(frozen=True, slots=True)
class StartReport:
    """The server that starts: where it listens, and what it serves; `rules` are those of files and flags."""

    address: tuple[str, int]
    settings: Settings
    fixtures: int = 0
    accounts: int = 0
    rules: Sequence[FaultRule] = ()
    plan_steps: int = 0
    tls_url: str | None = None
    workers: int = 1

    @property
    def url(self) -> str:
        """Return the root URL, as a client on this machine uses it."""
        from mockserver.server.addresses import format_server_url  # noqa: PLC0415 `serve` has imported it already

        return format_server_url(self.address)

    @property
    def listen_address(self) -> str:
        """Return the address where the server listens."""
        from mockserver.server.addresses import format_address  # noqa: PLC0415 `serve` has imported it already

        return format_address(self.address)

    @property
    def is_open(self) -> bool:
        """Return whether other machines can reach the server."""
        return not ipaddress.ip_address(self.address[0].partition("%")[0]).is_loopback


def format_start(report: StartReport, router: VendorRouter) -> str:
    """Return the message of the start, in the log's format."""
    settings = report.settings
    if settings.log_format == "text":
        return format_banner(report, router)
    return _format_json_event(
        "started",
        url=report.url,
        **({"tls_url": report.tls_url} if report.tls_url else {}),
        address=report.listen_address,
        vendors={name: _list_versions(vendor.profile) for name, vendor in router.listed_vendors.items()},
        fixtures=report.fixtures,
        accounts=report.accounts,
        faults=list(map(_format_fault_rule, report.rules)),
        plan_steps=report.plan_steps,
        strict=settings.strict,
        seed=settings.seed,
        workers=report.workers,
        version=__version__,
    )


def format_banner(report: StartReport, router: VendorRouter) -> str:
    """Return the start-up text, with URLs that are ready to paste."""
    from mockserver.matching.document_sources import TEXT_SOURCE  # noqa: PLC0415 `serve` has imported it already

    root, settings = report.url, report.settings
    lines = [f"mockserver {__version__}  {root}", ""]
    for vendor in router.listed_vendors.values():
        profile = vendor.profile
        path = profile.paths.openai or profile.paths.chat[0].replace("{model}", profile.sample_model)
        usage = "base_url" if profile.paths.openai else "POST"
        lines.append(f"  {profile.title:12}{usage:10}{root}/{vendor.name}{path}{_describe_versions(profile)}")
    sources = [TEXT_SOURCE] * bool(settings.fixtures_yaml) + [str(path) for path in settings.paths]
    source = ", ".join(sources) or ("no files" if settings.record else "the shipped ones")
    lines += [
        "",
        *([f"  {'web UI':12}{root}/"] if settings.page else []),
        *_describe_tls(report),
        *_describe_exposure(report),
        f"  {'fixtures':12}{report.fixtures} ({source}){'; other requests are refused' if settings.strict else ''}",
        (
            f"  {'keys':12}{_describe_keys(report.accounts, settings)}"
            "; one that contains mock-429 (or 401, 402, 504, ...) gets that error"
        ),
        *_describe_fault_rules(report.rules),
        *_describe_plan(report.plan_steps),
        *_describe_recording(settings),
        *_describe_workers(report.workers),
        f"  {'seed':12}{settings.seed}",
        "",
    ]
    return "\n".join(lines)


def _describe_versions(profile: VendorProfile) -> str:
    """Return the versions of a vendor's errors and answers; empty if its profile has none."""
    stated = ", ".join([f"{part} {version}" for part, version in _list_versions(profile).items()])
    return stated and f"  ({stated})"


def _list_versions(profile: VendorProfile) -> dict[str, str]:
    versions = {"errors": profile.errors, "answers": profile.answers}
    return {part: version for part, version in versions.items() if version is not None}


def _describe_exposure(report: StartReport) -> Iterator[str]:
    if report.is_open:
        yield f"  {'address':12}{report.listen_address}, which other machines can reach"


def _describe_tls(report: StartReport) -> Iterator[str]:
    """Yield a line for a server with a TLS port: its URL, and the certificate."""
    if report.tls_url:
        own = report.settings.tls_cert
        trust = (
            f"clients must trust {report.url}{ADMIN_PREFIX}/ca.pem" if own is None else f"certificate {own}"
        )
        yield f"  {'TLS':12}{report.tls_url}  ({trust})"


def _describe_recording(settings: Settings) -> Iterator[str]:
    """Yield a line for a server that records: where, and whether it forwards requests."""
    from mockserver.matching.fixture_files import forwards_requests  # noqa: PLC0415 `serve` has imported it already

    record = settings.record
    if record is not None:
        others = "forwarded and recorded" if forwards_requests(record) else "refused"
        yield f"  {'recordings':12}{record.folder} (mode {record.mode}); other requests are {others}"


def _describe_fault_rules(rules: Sequence[FaultRule]) -> Iterator[str]:
    """Yield a line for each active fault rule, at most a few."""
    label = "faults"
    for rule in rules[:_MAX_RULES]:
        yield f"  {label:12}{rule.name}: {_format_fault_rule(rule)}"
        label = ""
    if len(rules) > _MAX_RULES:
        yield f"  {'':12}and {len(rules) - _MAX_RULES} more"


def _describe_plan(step_count: int) -> Iterator[str]:
    if step_count:
        yield f"  {'plan':12}{format_count(step_count, 'step')} from the first request on"


def _describe_workers(count: int) -> Iterator[str]:
    if count > 1:
        yield f"  {'workers':12}{count}, each with its own sessions, limits and journal"


def _format_fault_rule(rule: FaultRule) -> str:
    """Return a fault rule in one line, as `--fault` takes it; secrets are masked."""
    from mockserver.admin.fixtures_api import redact_definition  # noqa: PLC0415 only for servers with fault rules

    fields: dict[str, Any] = dict(redact_definition(rule.definition))
    parts = {**(fields.pop("match", None) or {}), **fields}
    return " ".join(
        f"{name}={value if isinstance(value, str) else orjson.dumps(value, default=str).decode()}"
        for name, value in parts.items()
    )


def _describe_keys(accounts: int, settings: Settings) -> str:
    if settings.known_keys_only:
        return f"{format_count(accounts, 'account')}, no other key works"
    return f"any key works, {format_count(accounts, 'account')}" if accounts else "any key works"


def format_reload_message(outcome: FixtureSet | InputError, settings: Settings) -> str:
    """Return the log line of a reload, in the log's format."""
    if isinstance(outcome, InputError):
        message = "the edit was not applied, the last valid fixtures stay in use"
    else:
        message = f"reloaded {format_count(len(outcome), 'fixture')}"
        if outcome.omitted_files:
            message += f", omitted {format_count(len(outcome.omitted_files), 'JSON file')} without fixtures"
    return format_event(message, settings)


def format_dropped_lines(count: int, settings: Settings) -> str:
    """Return the log line that reports dropped lines, in the log's format."""
    return format_event(f"{format_count(count, 'log line')} dropped", settings)


def format_warnings(messages: Iterable[str], settings: Settings) -> str:
    """Return warnings and problems, one per line, in the log's format."""
    from mockserver.server.log_writer import escape_controls  # noqa: PLC0415 the health check needs no log

    if settings.log_format == "json":
        return "\n".join(escape_controls(_format_json_event("warning", message=one)) for one in messages)
    return "\n".join(f"mockserver: {escape_controls(one)}" for one in messages)


def format_event(message: str, settings: Settings) -> str:
    """Return the log line of an event, in the log's format."""
    return _format_json_event(message) if settings.log_format == "json" else message


def _format_json_event(event: str, **fields: Any) -> str:
    from mockserver.server.log_writer import format_json_line  # noqa: PLC0415 the health check needs no log

    return format_json_line(datetime.now(), {"event": event, **fields})


def find_exposure_warning(report: StartReport) -> Iterator[str]:
    """Yield a warning if other machines can use the admin API without a token."""
    host, port = report.address
    if report.settings.admin_token is not None or not report.is_open:
        return
    yield (
        f"{host} port {port} can be reached from other machines, and the admin API needs no token: "
        "set --admin-token, or listen on 127.0.0.1"
    )


_MAX_RULES = 8  # fault rules in the banner
