"""What was measured of an instance, held against what it has to reach."""

from typing import Any

from roles.spec import Benchmark


def refusals(report: dict[str, Any], wanted: Benchmark) -> list[str]:
    """
    Return why a report refuses an instance, a line each; none when it reaches everything.

    A threshold of the other kind is not judged: a report says what it is of.
    """
    found = []

    def at_least(what: str, got: float, floor: float | None) -> None:
        if floor is not None and got < floor:
            found.append(f"{what} is {got:g}, should be {floor:g} at least")

    def at_most(what: str, got: float, ceiling: float | None) -> None:
        if ceiling is not None and got > ceiling:
            found.append(f"{what} is {got:g}, should be {ceiling:g} at most")

    why = f", the first because of: {report['why']}" if report["why"] else ""
    if report["failed"] > wanted.failed_at_most:
        found.append(
            f"{report['failed']:g} of {report['of']} requests failed, should be "
            f"{wanted.failed_at_most} at most{why}"
        )
    if report["kind"] == "accuracy":
        at_least("accuracy of 100", report["accuracy"], wanted.accuracy_at_least)
        return found
    measures = report["measures"]
    first, further = measures["first_token_ms"]["p99"], measures.get("per_token_ms")
    at_most("the first token's P99 in ms", first, wanted.first_token_p99_ms_at_most)
    if further:
        at_most("a further token's P99 in ms", further["p99"], wanted.per_token_p99_ms_at_most)
    elif wanted.per_token_p99_ms_at_most is not None:
        found.append("every answer was one token, should be longer to judge further tokens")
    at_least("tokens a second", report["tokens_per_s"], wanted.tokens_per_s_at_least)
    return found
