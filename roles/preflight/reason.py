"""One reason against a plan."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """
    One thing to know of a plan on a host, before anything is touched.

    :param code: stays the same from release to release
    :param path: where in the inventory, or where on the host
    :param refuses: whether the plan cannot work; else it is a remark
    """

    code: str
    path: str
    found: str
    wanted: str
    remedy: str
    refuses: bool = True

    def __str__(self) -> str:
        return f"{self.path}: found {self.found}, wanted {self.wanted}; {self.remedy} [{self.code}]"
