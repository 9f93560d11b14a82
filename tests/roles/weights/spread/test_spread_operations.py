"""What hosts are told while a model is spread, and what becomes of it when that fails."""

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest
from pyinfra.api import FunctionCommand, Host
from pyinfra.api.arguments import AllArguments
from pyinfra.connectors.util import CommandOutput, OutputLine
from pyinfra.context import ctx_host, ctx_state

from roles import job
from roles import weights as weights_role
from roles.spec import HostFolder, HostSpec, Spread, Weights
from roles.weights import operations as bringing
from roles.weights.spread import operations, swarm
from tests.roles.spec.nouns import Nouns
from tests.roles.weights.spread.test_spread_members import NETWORK, fleet


class Answers:
    """What each host says to what it is told, by words in the command; all else succeeds."""

    def __init__(self, hosts: list[Host]) -> None:
        self.said: dict[tuple[str, str], tuple[bool, str]] = {}
        self.told: list[tuple[str, str, Any]] = []
        for host in hosts:
            host.current_op_global_arguments = cast("AllArguments", {})
            host.run_shell_command = self._answering(host)  # type: ignore[method-assign]

    def say(self, host: Host, words: str, output: str = "", *, fails: bool = False) -> None:
        """Let a host say something to a command."""
        self.said[host.name, words] = not fails, output

    def jobs(self, host: Host) -> list[str]:
        """Return the scripts that a host was told to run as jobs."""
        return [
            told.split()[4]
            for name, told, _ in self.told
            if name == host.name and "jobs.py run" in told
        ]

    def plan(self, host: Host, script: str) -> Any:
        """Return what a host was told for a job."""
        (found,) = [
            json.loads(given)
            for name, told, given in self.told
            if name == host.name and "jobs.py run" in told and told.split()[4] == script
        ]
        return found

    def _answering(self, host: Host) -> Any:
        def run(command: Any, **arguments: Any) -> tuple[bool, CommandOutput]:
            words = command.get_raw_value()
            given = arguments.get("_stdin") or command.connector_arguments.get("_stdin")
            self.told.append((host.name, words, given))
            for (name, part), (done, output) in self.said.items():
                if name == host.name and part in words:
                    lines = [OutputLine("stdout", line) for line in output.splitlines()]
                    return done, CommandOutput(lines)
            return True, CommandOutput([])

        return run


class Run:
    """A run over three hosts of which the first asks the sources."""

    def __init__(self, hosts: list[Host], spec: HostSpec) -> None:
        self.state, self.hosts, self.spec = hosts[0].state, hosts, spec
        self.answers = Answers(hosts)
        for number, host in enumerate(hosts, start=1):
            told = {"address": f"10.0.0.{number}", "torrent": None}
            self.answers.say(host, "swarm.py about", json.dumps(told))

    @property
    def weights(self) -> Weights:
        """What is spread."""
        return self.spec.instances[0].weights

    def do(self, operation: Any) -> list[bool]:
        """Do one operation on every host, as a run does."""
        done = []
        for host in self.hosts:
            noops: list[str] = []
            host.noop = noops.append  # type: ignore[method-assign, assignment]
            with ctx_state.use(self.state), ctx_host.use(host):
                ended = True
                for command in operation._inner(weights=self.weights, onto=self.spec):
                    result = command.execute(self.state, host, {})
                    ended = (result[0] if isinstance(result, tuple) else result) is not False
                    if not ended:
                        break
                done.append(ended)
        return done

    def offered(self, torrent: str) -> None:
        """Let the first host have made the torrent."""
        told = {"address": "10.0.0.1", "torrent": torrent}
        self.answers.say(self.hosts[0], "swarm.py about", json.dumps(told))


@pytest.fixture
def run(nouns: Nouns) -> Iterator[Run]:
    """A run in which nobody has anything yet."""
    weights = nouns.weights(sources=(HostFolder(path="/mnt/models"),))
    spec = nouns.host(nouns.instance(weights=weights), spread=Spread(network=NETWORK))
    with fleet(spec, spec, spec) as hosts:
        yield Run(hosts, spec)


def test_sources_are_asked_once(run: Run) -> None:
    assert run.do(bringing.model_files) == [True] * 3
    assert [run.answers.jobs(host) for host in run.hosts] == [["fetch"], [], []]


def test_next_host_asks_when_the_first_cannot(run: Run) -> None:
    run.answers.say(run.hosts[0], "jobs.py run", "no space", fails=True)
    assert run.do(bringing.model_files) == [False, True, True]
    assert [run.answers.jobs(host) for host in run.hosts] == [["fetch"], ["fetch"], []]


def test_offered_by_one_taken_by_the_others_ended_by_all(run: Run) -> None:
    run.do(bringing.model_files)
    run.offered("dG9ycmVudA==")
    assert run.do(operations.offered_files) == [True] * 3
    assert run.do(operations.spread_files) == [True] * 3
    giving, *taking = (run.answers.plan(host, "swarm") for host in run.hosts)
    assert giving["holds"]
    assert giving["torrent"] == "dG9ycmVudA=="
    assert giving["address"] == "10.0.0.1"
    assert giving["peers"] == [["10.0.0.2", 29650], ["10.0.0.3", 29650]]
    assert [plan["holds"] for plan in taking] == [False, False]
    assert [plan["share"] for plan in taking] == [[0, 2], [1, 2]]
    phase, _ = weights_role.receipt(run.weights, root=run.spec.weights_root)
    run.answers.say(run.hosts[0], "jobs.py end", "gave 1.0 GiB to the other hosts")
    assert run.do(operations.ended_spread) == [True] * 3
    ended = [told for _, told, _ in run.answers.told if "jobs.py end" in told]
    assert ended == [f"/usr/bin/python3 /opt/metalserve/hostside/jobs.py end {phase}"] * 3


def test_torrent_is_made_by_a_job_where_none_was_kept(run: Run) -> None:
    run.do(bringing.model_files)
    run.do(operations.offered_files)
    assert run.answers.jobs(run.hosts[0]) == ["fetch", "torrent"]
    assert "libtorrent==" in run.answers.plan(run.hosts[0], "torrent")["tool"]
    assert run.answers.jobs(run.hosts[1]) == []


def test_certificate_and_key_are_in_no_plan(run: Run) -> None:
    run.do(bringing.model_files)
    run.offered("dG9ycmVudA==")
    run.do(operations.offered_files)
    run.do(operations.spread_files)
    together = swarm(run.hosts[0], run.weights)
    assert together is not None
    key = json.dumps(together.credentials["key"])[1:-1]
    with_key = [told for _, told, given in run.answers.told if key in (given or "")]
    assert [told.split()[1:3] for told in with_key] == [
        ["/opt/metalserve/hostside/tokens.py", "keep"]
    ] * 3
    assert not any(together.credentials["key"] in told for _, told, _ in run.answers.told)


def test_without_a_torrent_each_asks_the_sources(run: Run, echoed: list[str]) -> None:
    run.do(bringing.model_files)
    run.do(operations.offered_files)
    assert run.do(operations.spread_files) == [True] * 3
    assert [run.answers.jobs(host)[-1] for host in run.hosts] == ["torrent", "fetch", "fetch"]
    assert [line.split("] ")[-1] for line in echoed] == [
        "qwen3-8b is brought from its sources instead"
    ] * 2


def test_host_that_the_others_cannot_give_to_asks_the_sources(run: Run, echoed: list[str]) -> None:
    run.do(bringing.model_files)
    run.offered("dG9ycmVudA==")
    run.do(operations.offered_files)
    run.answers.say(run.hosts[2], " swarm ", "nothing came", fails=True)
    assert run.do(operations.spread_files) == [True] * 3
    assert run.answers.jobs(run.hosts[2]) == ["swarm", "fetch"]
    assert [line.split("] ")[-1] for line in echoed] == [
        "qwen3-8b is brought from its sources instead"
    ]


def test_host_that_was_away_is_given_to_again(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.do(bringing.model_files)
    run.offered("dG9ycmVudA==")
    run.do(operations.offered_files)
    away = iter([0, 1, 1, 1])
    monkeypatch.setattr(job, "made_again", lambda host: next(away))
    run.answers.say(run.hosts[1], " swarm ", "ended without a result", fails=True)
    run.hosts = run.hosts[1:2]
    assert run.do(operations.spread_files) == [True]
    assert run.answers.jobs(run.hosts[0]) == ["swarm", "swarm", "fetch"]


def test_host_that_cannot_give_has_everything_all_the_same(run: Run) -> None:
    run.do(bringing.model_files)
    run.offered("dG9ycmVudA==")
    run.do(operations.offered_files)
    run.answers.say(run.hosts[0], " swarm ", "port taken", fails=True)
    assert run.do(operations.spread_files) == [True] * 3
    assert run.answers.jobs(run.hosts[0]) == ["fetch", "swarm"]


def test_host_outside_the_network(run: Run, echoed: list[str]) -> None:
    run.do(bringing.model_files)
    run.offered("dG9ycmVudA==")
    told = {"address": None, "torrent": None}
    run.answers.say(run.hosts[1], "swarm.py about", json.dumps(told))
    run.do(operations.offered_files)
    assert [line.split("] ")[-1] for line in echoed] == [
        "it has no address in 10.0.0.0/16, so it does not take part in the spread"
    ]
    assert run.do(operations.spread_files) == [True] * 3
    assert run.answers.jobs(run.hosts[1]) == ["fetch"]
    assert run.answers.plan(run.hosts[2], "swarm")["peers"] == [["10.0.0.1", 29650]]


def test_one_that_needs_it_later_takes_from_all_that_have_it(nouns: Nouns) -> None:
    weights = nouns.weights(sources=(HostFolder(path="/mnt/models"),))
    spec = nouns.host(nouns.instance(weights=weights), spread=Spread(network=NETWORK))
    with fleet(spec, spec, spec, holding=(1, 3)) as hosts:
        run = Run(hosts, spec)
        run.offered("dG9ycmVudA==")
        run.do(bringing.model_files)
        run.do(operations.offered_files)
        run.do(operations.spread_files)
        assert [run.answers.jobs(host) for host in hosts] == [["swarm"]] * 3
        assert [run.answers.plan(host, "swarm")["holds"] for host in hosts] == [True, False, True]


def test_nothing_to_do(nouns: Nouns) -> None:
    spec = nouns.host(nouns.instance(), spread=Spread(network=NETWORK))
    with fleet(spec, spec, holding=(1, 2)) as hosts:
        run = Run(hosts, spec)
        for operation in (
            bringing.model_files, operations.offered_files, operations.spread_files,
            operations.ended_spread,
        ):  # fmt: skip
            assert run.do(operation) == [True, True]
        assert run.answers.told == []


def test_is_a_function(run: Run) -> None:
    """What differs from host to host while it goes on is decided when it is that far."""
    with ctx_state.use(run.state), ctx_host.use(run.hosts[1]):
        commands = list(operations.spread_files._inner(weights=run.weights, onto=run.spec))
    assert all(isinstance(command, FunctionCommand) for command in commands)
