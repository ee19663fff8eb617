"""The package's README and URLs, which need the repository and version of a release."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

CODE = re.compile(r"(^```.*?^```$|`[^`\n]*`)", re.DOTALL | re.MULTILINE)
RELATIVE_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s]+)\)")
IMAGE = re.compile(r"\.(png|svg|gif|jpg)$")


class ReleaseMetadata(MetadataHookInterface):
    """Makes the README's links absolute, and adds URLs, if the variable REPOSITORY_URL is set."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `readme`, and `urls` for a release."""
        text = (Path(self.root) / "README.md").read_text("utf-8")
        if url := os.environ.get("REPOSITORY_URL"):
            tag = f"v{metadata['version']}"
            text = make_links_absolute(text, url, tag)
            metadata["urls"] = {
                "Source": url,
                "Documentation": f"{url}/tree/{tag}/docs",
                "Changelog": f"{url}/blob/{tag}/CHANGELOG.md",
                "Issues": f"{url}/issues",
            }
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


def make_links_absolute(text: str, url: str, tag: str) -> str:
    """Return Markdown whose relative links and images lead to a tag of the repository; code stays as it is."""

    def make_absolute(found: re.Match[str]) -> str:
        kind = "raw" if IMAGE.search(found[1]) else "blob"
        return f"]({url}/{kind}/{tag}/{found[1]})"

    parts = CODE.split(text)
    parts[::2] = [RELATIVE_LINK.sub(make_absolute, part) for part in parts[::2]]
    return "".join(parts)
