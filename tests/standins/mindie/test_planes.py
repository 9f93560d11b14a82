"""The planes of MindIE's stand-in: which port has which, and what each says."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

from roles.lab.command import wait
from tests.standins.mindie.daemon.layout import BUSINESS, MANAGEMENT, METRICS, layout
from tests.standins.mindie.served import NAME, Host, Served

_ONE, _OTHER = "127.0.0.1", "127.0.0.2"
_ALL = (BUSINESS, MANAGEMENT, METRICS)


@pytest.mark.parametrize(
    ("other", "ports", "found"),
    [
        (_ONE, (1, 1, 1), [(_ONE, 1, _ALL)]),
        (_ONE, (1, 1, 2), [(_ONE, 1, _ALL[:2]), (_ONE, 2, _ALL[2:])]),
        (_ONE, (1, 2, 2), [(_ONE, 1, _ALL[:1]), (_ONE, 2, _ALL[1:])]),
        (_ONE, (1, 2, 3), [(_ONE, 1, _ALL[:1]), (_ONE, 2, _ALL[1:2]), (_ONE, 3, _ALL[2:])]),
        (_OTHER, (1, 2, 2), [(_ONE, 1, _ALL[:1]), (_OTHER, 2, _ALL[1:])]),
        (_OTHER, (1, 2, 3), [(_ONE, 1, _ALL[:1]), (_OTHER, 2, _ALL[1:2]), (_OTHER, 3, _ALL[2:])]),
        (_OTHER, (1, 1, 2), [(_ONE, 1, _ALL[:1]), (_OTHER, 1, _ALL[1:2]), (_OTHER, 2, _ALL[2:])]),
        (_ONE, (1, 2, 1), None),
    ],
)
def test_layouts(other: str, ports: tuple[int, int, int], found: object) -> None:
    port, management, metrics = ports
    section = {"ipAddress": _ONE, "managementIpAddress": other, "port": port}
    section |= {"managementPort": management, "metricsPort": metrics}
    assert layout(section) == found


def test_a_layout_that_there_is_not(host: Host) -> None:
    host.change("ServerConfig/metricsPort", host.ports[0])
    assert "Management or Business or Metrics port is invalid.\n" in host.refused()


def test_one_port_for_all(host: Host) -> None:
    host.ports = (host.ports[0],) * 3
    host.settle()
    with host.start(MIES_SERVICE_MONITOR_MODE="1") as served:
        assert served.ready().said("Hello") == "Hello! I am the canary."
        assert served.ask("/metrics")[0] == 200


def test_each_page_is_on_its_plane_alone(good: Served) -> None:
    for port, path in (
        (good.business, "/v2/health/ready"),
        (good.business, "/stopService"),
        (good.business, "/metrics"),
        (good.management, "/v1/models"),
        (good.management, "/metrics"),
        (good.metrics, "/v2/health/ready"),
        (good.business, "/nothing"),
        # A page that is asked for in another way is none.
        (good.business, "/v1/chat/completions"),
    ):
        assert good.ask(path, port=port) == (404, None)


@pytest.mark.parametrize("path", ["/v2/health/ready", "/v2/health/live", "/health"])
def test_health(good: Served, path: str) -> None:
    assert good.ask(path, port=good.management) == (200, None)


def test_health_of_a_model(good: Served) -> None:
    assert good.ask(f"/v2/models/{NAME}/ready", port=good.management) == (200, None)
    told = {"error": "Model other not found.", "error_type": "NotFoundError"}
    assert good.ask("/v2/models/other/ready", port=good.management) == (404, told)


@pytest.mark.parametrize(
    ("path", "status", "page"),
    [
        ("/health/timed", 200, {"status": "healthy"}),
        ("/health/timed-5", 200, {"status": "healthy"}),
        ("/health/timed-601", 404, "Wait time should be in range of [1, 600], input is not valid"),
        ("/health/timed-6000", 404, "Max wait time is 600, input is invalid or too long"),
    ],
)
def test_a_question_of_its_own(good: Served, path: str, status: int, page: object) -> None:
    if isinstance(page, str):
        page = {"error": page, "error_type": "NotFoundError"}
    assert good.ask(path, port=good.management) == (status, page)


def test_a_question_of_its_own_that_nobody_answers(host: Host) -> None:
    with host.start(standin={"hang": True}) as served:
        served.ready()
        status, page = served.ask("/health/timed-1", port=served.management)
        assert (status, page["error_type"]) == (500, "Incomplete Generation")
        assert served.ask("/v2/health/ready", port=served.management) == (200, None)


def test_before_it_is_ready_nobody_is_there(host: Host) -> None:
    with host.start(standin={"start_s": 0.5}) as served:
        begun = time.monotonic()
        with pytest.raises(ConnectionRefusedError):
            served.ask("/v2/health/ready", port=served.management)
        served.ready()
        assert time.monotonic() - begun > 0.5


def test_models(good: Served) -> None:
    card = {"id": NAME, "object": "model", "owned_by": "MindIE Server"}
    card |= {"parent": "null", "root": "model"}
    assert good.ask("/v1/models") == (200, {"object": "list", "data": [card]})
    assert good.ask(f"/v1/models/{NAME}") == (200, card)
    assert good.ask("/v1/models/other")[1]["error"] == "Model other not found."


def test_what_it_says_of_itself(good: Served) -> None:
    assert good.ask("/v2")[1]["name"] == "MindIE Server"
    assert good.ask(f"/v2/models/{NAME}")[1]["platform"] == "MindIE Server"
    assert good.ask(f"/v2/models/{NAME}/config")[1]["npu_mem_size"] == 1
    assert good.ask("/v1/config", port=good.management)[1]["maxOutputLen"] == 512
    assert good.ask("/info", port=good.management)[1]["models"][0]["model_id"] == NAME
    assert good.ask("/v1/status", port=good.management)[1]["service"] == {
        "roleStatus": "RoleReady", "currentRole": "none",
    }  # fmt: skip


def test_numbers(good: Served) -> None:
    def value(name: str) -> float:
        text: str = good.ask("/metrics", port=good.metrics)[1]
        row = f'{name}{{model_name="{NAME}"}} '
        (line,) = [line for line in text.splitlines() if line.startswith(row)]
        return float(line.split()[-1])

    before = value("request_success_total")
    assert good.said("Hello") == "Hello! I am the canary."
    # Counted once it has been answered, which whoever asked may see first.
    assert wait(lambda: value("request_success_total") == before + 1, within_s=60)
    assert value("request_received_total") == before + 1
    assert wait(lambda: value("num_requests_running") == 0, within_s=60)
    assert (value("num_requests_running"), value("num_requests_waiting")) == (0, 0)
    assert (
        "# TYPE time_to_first_token_seconds histogram" in good.ask("/metrics", port=good.metrics)[1]
    )


def test_numbers_that_nobody_asked_for(host: Host) -> None:
    with host.start() as served:
        told = "Environment variable MIES_SERVICE_MONITOR_MODE is not set."
        page = {"error": told, "error_type": "Incomplete Generation"}
        assert served.ready().ask("/metrics", port=served.metrics) == (500, page)


def test_nobody_is_asked_when_it_is_stopped(host: Host) -> None:
    with host.start() as served:
        served.ready()
        assert served.ask("/stopService", port=served.management) == (200, None)
        assert served.status() == -signal.SIGABRT
        # The ranks were told too, and their end is no good one to the server.
        assert "was terminated by signal 15 (Terminated)" in served.log


def test_names_of_the_processes(good: Served) -> None:
    assert Path(f"/proc/{good.process.pid}/comm").read_text() == "mindieservice_d\n"
    (line,) = (good.host.folder / "dev/davinci0").read_text().splitlines()
    rank = json.loads(line)["pid"]
    assert os.getpgid(rank) == good.process.pid
