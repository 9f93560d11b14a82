"""What pyinfra asks itself for every operation of every host comes to the same, by less."""

from importlib import import_module
from typing import Any

import pytest
from pyinfra.api import Config, Host, Inventory, State, arguments, facts

from roles import control
from roles.control.arguments import ASKERS


@pytest.fixture(autouse=True)
def _given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (arguments, facts):
        monkeypatch.setattr(module, "all_global_arguments", arguments.all_global_arguments)
    for name in ASKERS:
        module = import_module(name)
        assert module.pop_global_arguments is arguments.pop_global_arguments
        monkeypatch.setattr(module, "pop_global_arguments", arguments.pop_global_arguments)


def _host(**data: Any) -> Host:
    groups = {"gpus": (["gpu-1.example"], {"_env": {"GROUP": "1"}, "_sudo_user": "group"})}
    inventory = Inventory(([("gpu-1.example", data)], {}), **groups)
    state = State(inventory, Config(SUDO_USER="config", SHELL="dash"))
    (found,) = state.inventory
    return found


def test_arguments_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    right = arguments.all_global_arguments()

    def counted() -> list[tuple[str, type]]:
        read.append("read")
        return right

    monkeypatch.setattr(arguments, "all_global_arguments", counted)
    control.know_arguments()
    assert arguments.all_global_arguments() == facts.all_global_arguments() == right
    assert dict(right)["_sudo"] is bool
    assert read == ["read"]


@pytest.mark.parametrize("name", ASKERS)
def test_they_are_what_pyinfra_finds(name: str) -> None:
    module = import_module(name)
    both = []
    for ours in (False, True):
        host = _host(_sudo=True, _retries=3, spec="no argument")
        host.data._timeout = 7
        vars(host)["current_deploy_kwargs"] = {"_shell_executable": "bash", "_retries": 5}
        if ours:
            control.know_arguments()
        given = {"_chdir": "/srv", "path": "/etc"}
        both.append((module.pop_global_arguments(host.state, host, given), given))
    assert both[0] == both[1]
    ((found, keys), left) = both[1]
    assert (keys, left) == (["_chdir"], {"path": "/etc"})
    wanted = {
        "_sudo": True, "_retries": 5, "_timeout": 7, "_shell_executable": "bash",
        "_chdir": "/srv", "_sudo_user": "group",
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted
    assert found["_env"]["GROUP"] == "1"


def test_what_is_found_is_the_askers_own() -> None:
    control.know_arguments()
    told = {"SET": "by the inventory"}
    host = _host(_env=told)
    found, _ = import_module(ASKERS[0]).pop_global_arguments(host.state, host, {})
    found["_env"]["SET"] = "by whoever asked"
    assert told == {"SET": "by the inventory"}
