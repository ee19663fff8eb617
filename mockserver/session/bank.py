"""Which account a key is: a session's own, one that all share, or one of a file, in this order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from mockserver.money import Amount
from mockserver.session.store import EMPTY, Layer
from mockserver.shelf.account import Account


class Bank:
    """The accounts that a session's calls meet."""

    __slots__ = ("_filed", "_own", "_shared")

    def __init__(self, filed: Mapping[str, Account], own: Layer = EMPTY, shared: Layer = EMPTY) -> None:
        self._filed = filed
        self._own = own
        self._shared = shared

    def __bool__(self) -> bool:
        return bool(self._filed or self._shared.accounts or self._own.accounts)

    def __iter__(self) -> Iterator[Account]:
        """All of them, the session's own first."""
        met: set[str] = set()
        for accounts in (self._own.accounts, self._shared.accounts, self._filed):
            for key in accounts:
                found = None if key in met else self.of(key)
                if found is not None:
                    yield found
            met |= accounts.keys()

    def of(self, key: str | None) -> Account | None:
        """The account of a key, its balance with what was added to it since; None where there is none."""
        if key is None:
            return None
        account = self._own.accounts.get(key)
        if account is not None:
            return _topped(account, self._own)
        account = self._shared.accounts.get(key) or self._filed.get(key)
        return None if account is None else _topped(_topped(account, self._shared), self._own)

    def called(self, name: str) -> Account | None:
        """The account with this key, or with this id where its key may not be shown."""
        return self.of(name) or next((one for one in self if one.id == name), None)


def _topped(account: Account, layer: Layer) -> Account:
    more = layer.topups.get(account.key)
    if more is None or account.balance is None:
        return account
    return replace(account, balance=Amount(account.balance.value + more, account.balance.unit))
