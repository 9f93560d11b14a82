"""What every noun shares: frozen fields, faults that are gathered, a digest."""

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from types import UnionType
from typing import Annotated, Any, ClassVar, NamedTuple, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PrivateAttr,
    ValidationError,
)
from pydantic_core import ErrorDetails


def spelled(pattern: str, right: str) -> AfterValidator:
    """A string as ``pattern`` has it; ``right`` says so in words."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value, re.ASCII):
            raise ValueError(right)
        return value

    return AfterValidator(check)


Name = Annotated[
    str,
    spelled(
        r"(?=.{1,60}$)[a-z][a-z0-9]*([.-][a-z0-9]+)*",
        "should be up to 60 lower-case letters and digits, with . or - between them",
    ),
]
RemotePath = Annotated[
    str,
    spelled(r"(/[A-Za-z0-9._-]+)+", "should be an absolute path of letters, digits, . _ and -"),
]


Sha256 = Annotated[str, spelled(r"[0-9a-f]{64}", "should be 64 hexadecimal digits")]
Variable = Annotated[
    str, spelled(r"[A-Za-z_][A-Za-z0-9_]*", "should be the name of an environment variable")
]
OsPackage = Annotated[
    str, spelled(r"[a-z0-9][a-z0-9.+-]+", "should be the name of a Debian package")
]


class Fault(BaseModel):
    """One thing wrong in an inventory: where, what, and what would be right."""

    model_config = ConfigDict(frozen=True)

    path: str
    wrong: str
    right: str

    def __str__(self) -> str:
        return f"{self.path}: {self.wrong}, {self.right}"

    def below(self, *parents: str) -> "Fault":
        """Return the same fault as seen from further up the tree."""
        path = "/".join([*parents, self.path] if self.path else parents)
        return self.model_copy(update={"path": path})


class SpecError(SystemExit):
    """
    An inventory contradicts itself; the message lists every fault, a line each.

    It ends a program that does not catch it, with exit code 1 and the message alone: pyinfra
    would show any other exception of an inventory as a traceback.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__(f"{count} in the inventory\n{lines}")


class Spec(BaseModel):
    """
    A frozen noun. A wrong field does not raise here: it is kept, so that ``inventory`` can
    report every fault of every noun in one go. A field with ``repr=False`` may hold a secret by
    mistake: no message shows its value.
    """

    # Of some forty nouns an inventory has ten; what checks a noun's fields is made with its first.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    # Else a missing comma would be read as a tuple of fields.
    __iter__: ClassVar[None] = None  # type: ignore[assignment]

    _own_faults: tuple[Fault, ...] = PrivateAttr(default=())

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            faults = tuple(_faults(type(self), error.errors()))
            object.__setattr__(self, "__dict__", dict(fields))
            object.__setattr__(self, "__pydantic_fields_set__", set(fields))
            object.__setattr__(self, "__pydantic_extra__", None)
            object.__setattr__(self, "__pydantic_private__", {"_own_faults": faults})

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return the same noun but for ``update``, which is validated like any other field."""
        return type(self)(**{**self.__dict__, **(update or {})})

    def __copy__(self) -> Self:
        """Return the noun itself: it never changes, and pyinfra copies a spec at every look."""
        return self

    def contradictions(self) -> Iterator[Fault]:
        """What is wrong between fields that are each right. Never asked of a broken spec."""
        return iter(())

    def faults(self) -> list[Fault]:
        """Every fault of this spec and of those inside it, with paths from here."""
        return self.examined({}).faults

    def examined(self, seen: dict[int, "Findings"]) -> "Findings":
        """The same, where a spec that many others hold is looked at once, and kept in ``seen``."""
        if id(self) in seen:
            return seen[id(self)]
        faults, broken = list(self._own_faults), bool(self._own_faults)
        for field, value in self.__dict__.items():
            for parts, child in _children(field, value):
                below = child.examined(seen)
                faults += [fault.below(*parts) for fault in below.faults]
                broken = broken or below.broken
        if not broken:
            faults += self.contradictions()
        seen[id(self)] = Findings(faults=faults, broken=broken)
        return seen[id(self)]

    def to_json(self) -> dict[str, Any]:
        """Return plain data; pyinfra's ``debug-inventory`` asks for it."""
        found = self.examined({})
        if found.broken:
            raise SpecError(found.faults)
        return self.model_dump(mode="json")


class Findings(NamedTuple):
    """What was found in a spec; broken: a field is wrong, so that asking further makes no sense."""

    faults: list[Fault]
    broken: bool


def a(noun: str) -> str:
    """Return the noun with its article."""
    return f"an {noun}" if noun[0] in "AEIOaeio" else f"a {noun}"


def digest(content: object) -> str:
    """Return the sha256 of ``content`` as canonical JSON: the same on every machine."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _children(field: str, value: object) -> Iterator[tuple[tuple[str, ...], Spec]]:
    if isinstance(value, Spec):
        yield (field,), value
    elif isinstance(value, (tuple, list)):
        for index, item in enumerate(value):
            if isinstance(item, Spec):
                label = item.__dict__.get("name") or item.__dict__.get("path") or index
                yield (field, str(label)), item


def _faults(model: type[Spec], errors: list[ErrorDetails]) -> Iterator[Fault]:
    """What pydantic found, in our words; one fault where it lists every member of a union."""
    nouns: dict[str, list[str]] = {}
    for error in errors:
        if error["type"] == "model_type":
            noun = error["ctx"]["class_name"]
            nouns.setdefault(_path(error), []).append(noun)
    for error in errors:
        path = _path(error)
        if error["type"] != "model_type":
            yield _fault(model, path, error)
        elif path in nouns:
            right = f"should be {_one_of(nouns.pop(path))}"
            yield Fault(path=path, wrong=f"is {_shown(model, error)}", right=right)


def _fault(model: type[Spec], path: str, error: ErrorDetails) -> Fault:
    if error["type"] == "extra_forbidden":
        known = sorted(model.model_fields)
        close = difflib.get_close_matches(path, known, n=1)
        right = f"did you mean {close[0]}" if close else f"known are {', '.join(known)}"
        return Fault(path=path, wrong="there is no such key", right=right)
    if error["type"] == "missing":
        kind = model.model_fields[path].annotation
        members = get_args(kind) if isinstance(kind, UnionType) else (kind,)
        nouns = [getattr(get_origin(member) or member, "__name__", "value") for member in members]
        return Fault(path=path, wrong="is missing", right=f"should be {_one_of(nouns)}")
    if error["type"] == "tuple_type":
        right = "should be a tuple, which for one item is written (item,)"
        return Fault(path=path, wrong=f"is {_shown(model, error)}", right=right)
    right = re.sub(r"^(Input|String|Tuple|Value error,) ", "", error["msg"])
    right = right.replace("value is not a valid", "should be a valid")
    right = re.sub(r"(, unable to parse .*| after validation, not \d+)$", "", right)
    right = re.sub(r"<\w+\.\w+: ('[^']*')>", r"\1", right)
    return Fault(path=path, wrong=f"is {_shown(model, error)}", right=right)


def _path(error: ErrorDetails) -> str:
    """Where, without the name of the union's member that pydantic appends."""
    member = error.get("ctx", {}).get("class_name")
    parts = [str(part) for part in error["loc"]]
    return "/".join(parts[:-1] if len(parts) > 1 and parts[-1] == member else parts)


def _shown(model: type[Spec], error: ErrorDetails) -> str:
    """Return the wrong value, unless it could be a secret."""
    value = error["input"]
    field = model.model_fields.get(str(error["loc"][0]))
    if isinstance(value, BaseModel) or (field is not None and not field.repr):
        return a(type(value).__name__)
    if isinstance(value, Enum):
        return repr(value.value)
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _one_of(nouns: list[str]) -> str:
    return " or ".join(map(a, nouns))
