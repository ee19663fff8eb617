"""instructor: a model of pydantic's in each of its modes, lists, streams of parts, and its asking again."""

import os
from importlib.metadata import version
from typing import Literal
from uuid import uuid4

import instructor
from openai import OpenAI
from pydantic import BaseModel, Field, field_validator


class Address(BaseModel):
    street: str
    zip_code: str | None = None


class Person(BaseModel):
    name: str
    age: int = Field(ge=0, le=130)
    mood: Literal["glad", "sad"]
    addresses: list[Address] = Field(min_length=1)


attempts: list[str] = []


class Stubborn(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def right_the_second_time(cls, name: str) -> str:
        attempts.append(name)
        if len(attempts) == 1:
            raise ValueError("not that one")
        return name


for path, name in [("/aimlapi/v1", "o3-mini"), ("/omixa/api/v1", "o1-preview")]:
    plain = OpenAI(
        base_url=os.environ["MOCKSERVER_URL"] + path,
        api_key="any key",
        default_headers={"X-Mock-Session": f"instructor-{uuid4().hex}"},
    )
    asked = {
        "model": name,
        "messages": [{"role": "user", "content": "Ada Lovelace is glad, and 36 years old."}],
    }
    # The last two tell the schema in the prompt alone.
    for mode in ("TOOLS", "TOOLS_STRICT", "JSON_SCHEMA", "JSON", "MD_JSON"):
        client = instructor.from_openai(plain, mode=getattr(instructor.Mode, mode))
        assert isinstance(client.chat.completions.create(response_model=Person, **asked), Person), mode
    client = instructor.from_openai(plain)
    person, completion = client.chat.completions.create_with_completion(response_model=Person, **asked)
    assert completion.usage.total_tokens > 0
    many = client.chat.completions.create(response_model=list[Person], **asked)
    assert all(isinstance(one, Person) for one in many)
    *_, last = client.chat.completions.create_partial(response_model=Person, **asked)
    assert last.model_dump() == person.model_dump()
    assert all(
        isinstance(one, Person)
        for one in client.chat.completions.create_iterable(response_model=Person, **asked)
    )
    asked_of_two = asked | {"messages": [{"role": "user", "content": "Jason is 25 and Ada is 36."}]}
    two = client.chat.completions.create(response_model=list[Stubborn], **asked_of_two)
    assert [one.name for one in two] == ["Jason", "Ada"]
    try:
        client.chat.completions.create(
            response_model=Person,
            max_retries=0,
            **asked | {"messages": [{"role": "user", "content": "mock 401"}]},
        )
    except Exception as error:  # noqa: BLE001 instructor wraps it
        assert "valid API key" in str(error), repr(error)  # noqa: PT017 the vendor's own text
    else:
        raise AssertionError("mock 401 was no error")
    attempts.clear()
    assert (
        client.chat.completions.create(response_model=Stubborn, max_retries=2, **asked).name == attempts[-1]
    )
    assert len(attempts) == 2

print("instructor", version("instructor"), "openai", version("openai"))  # noqa: T201
