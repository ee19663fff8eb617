"""The URL, API key and headers with which clients reach a vendor of the server."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self, TypedDict
from urllib.parse import quote

from mockserver.masking import join_scheme


class OpenAIArguments(TypedDict):
    """The keyword arguments of `openai.OpenAI` and `openai.AsyncOpenAI`."""

    base_url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class VendorEndpoint:
    """The URL, API key and headers that clients use for one vendor; `root` is the URL before its paths."""

    root: str
    name: str
    title: str
    chat: str  # the path of chat completions, which may contain `{model}`
    sample_key: str
    sample_model: str
    key_header: str
    openai_path: str | None = None
    key_scheme: str | None = None

    @classmethod
    def from_vendor_data(cls, data: dict[str, Any], name: str, root: str) -> Self:
        """Create it from the server's description of a vendor. Raises LookupError if a field is missing."""
        values = {"openai_path": data.get("openai"), **data}
        missing = [field for field in _REQUIRED_FIELDS if not isinstance(values.get(field), str)]
        if missing:
            raise LookupError(
                f"the server does not report the {', '.join(missing)} of {name}; is it an older version?"
            )
        stated = {one.name: values.get(one.name) for one in fields(cls) if one.name not in ("root", "name")}
        return cls(root=f"{root}/{quote(name)}", name=name, **stated)  # type: ignore[arg-type]

    def openai(self) -> OpenAIArguments:
        """Return `base_url` and `api_key` for an OpenAI client: `OpenAI(**endpoint.openai())`.

        Raises LookupError for a vendor that OpenAI clients cannot be used with.
        """
        if self.openai_path is None:
            raise LookupError(
                f"OpenAI clients cannot be used with {self.title}: its path is {self.chat}. Use plain HTTP "
                f"with {self.name}.url(model) and {self.name}.headers()"
            )
        return {"base_url": f"{self.root}{self.openai_path.rstrip('/')}", "api_key": self.sample_key}

    def env(self) -> dict[str, str]:
        """Return the environment variables of OpenAI clients. Raises LookupError as `openai` does."""
        arguments = self.openai()
        return {"OPENAI_BASE_URL": arguments["base_url"], "OPENAI_API_KEY": arguments["api_key"]}

    def url(self, model: str | None = None) -> str:
        """Return the URL of chat completions; `model` is inserted if the vendor's path contains the model."""
        return self.root + self.chat.replace("{model}", quote(model or self.sample_model, safe=""))

    def headers(self) -> dict[str, str]:
        """Return the header with the API key."""
        return {self.key_header: join_scheme(self.key_scheme, self.sample_key)}


_REQUIRED_FIELDS = ("title", "chat", "sample_key", "sample_model", "key_header")
