"""How a client reaches one vendor in one session: everything comes from what the server says of the vendor."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self, TypedDict
from urllib.parse import quote

__tracebackhide__ = True  # as in `remote`


class OpenAIArguments(TypedDict):
    """What `openai.OpenAI(**...)` and its siblings are made with."""

    base_url: str
    api_key: str


@dataclass(frozen=True, slots=True)
class Access:
    """The way to one vendor. `root` is where its paths begin."""

    root: str
    name: str
    title: str
    chat: str  # the path of chat completions; `{model}` in it is the model
    sample_key: str
    sample_model: str
    key_header: str
    openai_path: str | None = None
    key_scheme: str | None = None

    @classmethod
    def of(cls, told: dict[str, Any], name: str, root: str) -> Self:
        """From what the server says of a vendor. Raises LookupError where that is not enough."""
        known = {"openai_path": told.get("openai"), **told}
        lacking = [part for part in _NEEDED if not isinstance(known.get(part), str)]
        if lacking:
            raise LookupError(
                f"the server does not say the {', '.join(lacking)} of {name}; is it an older one?"
            )
        stated = {one.name: known.get(one.name) for one in fields(cls) if one.name not in ("root", "name")}
        return cls(root=f"{root}/{quote(name)}", name=name, **stated)  # type: ignore[arg-type]

    def openai(self) -> OpenAIArguments:
        """`base_url` and `api_key` for an OpenAI client. Raises LookupError for a vendor that has no such path."""
        if self.openai_path is None:
            raise LookupError(
                f"no OpenAI client can be pointed at {self.title}: its path is {self.chat}. Use plain HTTP "
                f"with {self.name}.url(model) and {self.name}.headers()"
            )
        return {"base_url": f"{self.root}{self.openai_path.rstrip('/')}", "api_key": self.sample_key}

    def env(self) -> dict[str, str]:
        """The variables that OpenAI's clients read, for `os.environ` or a subprocess. Raises as `openai` does."""
        stated = self.openai()
        return {"OPENAI_BASE_URL": stated["base_url"], "OPENAI_API_KEY": stated["api_key"]}

    def url(self, model: str | None = None) -> str:
        """The URL of chat completions; `model` goes into the path where the vendor has it there."""
        return self.root + self.chat.replace("{model}", quote(model or self.sample_model, safe=""))

    def headers(self) -> dict[str, str]:
        """The header that carries the key."""
        key = f"{self.key_scheme} {self.sample_key}" if self.key_scheme else self.sample_key
        return {self.key_header: key}


_NEEDED = ("title", "chat", "sample_key", "sample_model", "key_header")
