"""Fixture files are looked at again and again, because a mounted volume tells nobody that it has changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mockserver.errors import InputError
from mockserver.shelf import library
from mockserver.shelf.matching import Look, Shelf

EVERY = 0.2  # seconds between two looks
PATIENCE = 3  # looks that files may go on changing before they are read all the same

Report = Callable[[Shelf | InputError], None]


async def watch(
    paths: tuple[Path, ...],
    loaded: Look,
    load: Callable[[], Shelf],
    changed: Callable[[Shelf], None],
    report: Report,
) -> None:
    """After a good edit, `changed` is given the new shelf; either way `report` hears of it. Ends when cancelled.

    `load` makes the shelf anew, or raises InputError; `loaded` is what the files were before they were read. An
    edit counts once they have been the same for two looks, so that none is read half written; but somebody who
    never stops editing does not wait for ever.
    """
    last, restless = loaded, 0
    while True:
        await asyncio.sleep(EVERY)
        now = await asyncio.to_thread(library.seen, paths)
        restless = 0 if now == last else restless + 1
        last = now
        if now == loaded or 0 < restless < PATIENCE:
            continue
        loaded, restless = now, 0
        try:
            shelf = await asyncio.to_thread(load)
        except InputError as error:
            report(error)
        else:
            changed(shelf)
            report(shelf)
