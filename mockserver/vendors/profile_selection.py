"""The profile that a value of `--vendor` selects: a file, or a shipped profile in one of its versions."""

from __future__ import annotations

from pathlib import Path

from mockserver.errors import InputError
from mockserver.schema.messages import suggest_name
from mockserver.schema.yaml_document import document_from_value
from mockserver.vendors.profile import VendorProfile, load_profile, read_profile
from mockserver.vendors.profile_inheritance import BOTH_PARTS, list_shipped_profiles

VendorSelection = str | Path  # a path, or NAME, or NAME@VERSION


def load_selected_profile(selection: VendorSelection) -> VendorProfile:
    """Load the profile of a value of `--vendor`: NAME, NAME@VERSION or a file.

    A text with a slash, a backslash or the suffix of YAML is a file. Raises InputError.
    """
    text = str(selection)
    if isinstance(selection, Path) or "/" in text or "\\" in text or text.lower().endswith((".yaml", ".yml")):
        return load_profile(Path(selection))
    name, at, version = text.partition("@")
    shipped = [path.stem for path in list_shipped_profiles()]
    if name not in shipped:
        message = f"found {text!r}{suggest_name(name, shipped)}; a file has a slash or the suffix .yaml"
        raise InputError.from_message(message, "--vendor")
    stated = {"extends": name} | ({BOTH_PARTS: version} if at else {})
    return read_profile(document_from_value(stated, f"--vendor {text}"))
