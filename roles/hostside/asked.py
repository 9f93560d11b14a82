"""Questions to NVML, of which each may go unanswered without costing the others."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Tuple


# The card does not have it; the driver does not know the function, or not in this form.
_UNSUPPORTED = (3, 13, 25)
_NOT_FOUND = 6
_LOST, _RESET_REQUIRED = 15, 16


class Asked:
    """
    NVML, and what became of the questions to it.

    ``error`` is of the whole device: it is lost, or needs a reset. ``unsupported`` are functions
    that this card or driver does not have, ``unknown`` any other error by function.
    """

    def __init__(self, binding: Any) -> None:
        """Ask through a binding: the module ``pynvml``."""
        self.binding = binding
        self.error: Dict[str, Any] | None = None
        self.unsupported: List[str] = []
        self.unknown: Dict[str, str] = {}

    def ask(self, name: str, *given: Any, also: Tuple[int, ...] = ()) -> Any:
        """
        Return the answer of a function, ``None`` when there is none.

        :param also: further errors by which this function says that it is not supported
        """
        try:
            return _text(getattr(self.binding, name)(*given))
        except Exception as error:
            self._failed(name, error, also)
            return None

    def first(self, newest: Tuple[Any, ...], older: Tuple[Any, ...]) -> Any:
        """Return the answer of a function, asked in its older form where the newest is unknown."""
        name, *given = newest
        try:
            return _text(getattr(self.binding, name)(*given))
        except Exception as error:
            if _unsupported(error):
                return self.ask(*older)
            self._failed(name, error)
            return None

    def unless_missing(
        self, name: str, *given: Any, missing: Tuple[int, ...] = (_NOT_FOUND,)
    ) -> Any:
        """
        Return the answer for one of many, ``None`` without a word when there is no such one.

        :param missing: errors that say so
        """
        try:
            return _text(getattr(self.binding, name)(*given))
        except Exception as error:
            if code(error) not in missing:
                self._failed(name, error)
            return None

    def counts(self, name: str, returned: int, also: Tuple[int, ...] = ()) -> bool:
        """Say whether a value counts that came with an error number of its own."""
        if returned != 0:
            self._failed(name, self.binding.NVMLError(returned), also)
        return returned == 0

    def fact(self, name: str, fact: Callable[[Asked, Any], Any], handle: Any) -> Any:
        """Return a fact of several answers; one that makes no sense is unknown as a whole."""
        try:
            return fact(self, handle)
        except Exception as error:
            self.unknown[name] = _words(error)
            return None

    def _failed(self, name: str, error: BaseException, also: Tuple[int, ...] = ()) -> None:
        if code(error) in (_LOST, _RESET_REQUIRED):
            self.error = self.error or fault(self.binding, error)
        elif not _unsupported(error, also):
            self.unknown[name] = _words(error)
        elif name not in self.unsupported:
            self.unsupported.append(name)


def fault(binding: Any, error: BaseException) -> Dict[str, Any]:
    """Return an error as the probe tells it, by NVML's own name: 15 is ``gpu-is-lost``."""
    number, prefix = code(error), "NVML_ERROR_"
    if number is None:
        return {"code": None, "name": type(error).__name__, "text": _words(error)}
    names = [key for key in dir(binding) if key.startswith(prefix)]
    known = [key[len(prefix) :] for key in names if getattr(binding, key) == number]
    name = known[0].lower().replace("_", "-") if known else "unknown-{}".format(number)
    return {"code": number, "name": name, "text": _words(error)}


def code(error: BaseException) -> int | None:
    """Return the number of an error of NVML, ``None`` of another."""
    value = getattr(error, "value", None)
    return value if isinstance(value, int) else None


def quietly(function: Callable[..., Any], *given: Any) -> Any:
    """Return an answer that nobody misses: ``None`` without one."""
    try:
        return _text(function(*given))
    except Exception:
        return None


def _unsupported(error: BaseException, also: Tuple[int, ...] = ()) -> bool:
    """A binding too old for a function is as good as a driver too old for it."""
    return code(error) in (*_UNSUPPORTED, *also) or isinstance(error, AttributeError)


def _text(said: Any) -> Any:
    return said.decode(errors="replace") if isinstance(said, bytes) else said


def _words(error: BaseException) -> str:
    return str(error) if code(error) is not None else "{}: {}".format(type(error).__name__, error)
