"""vLLM on Ascend: the same server, started with what the vendor's scripts set."""

from roles import ascend, templates
from roles.engine import vllm
from roles.engine.file import File
from roles.spec import Instance, VllmOptions

# As vllm-ascend's page on Qwen3-VL has them for every card (docs/source/tutorials/models/
# Qwen-VL-Dense.md); the first is also set by 0.18.0 and newer themselves.
_TUNED = {
    "PYTORCH_NPU_ALLOC_CONF": "expandable_segments:True",
    "TASK_QUEUE_ENABLE": "1",
    "OMP_NUM_THREADS": "1",
    "OMP_PROC_BIND": "false",
}
# That page has it for the Atlas 300I DUO too, in an example that contradicts itself; the page on
# that card (tutorials/hardwares/310p.md) does not.
_TUNED_A2 = {"HCCL_OP_EXPANSION_MODE": "AIV"}
_A2 = "910b"


def files(instance: Instance, options: VllmOptions) -> dict[str, File]:
    """Return what is rendered into a release, by name."""
    stack = instance.stack
    start = templates.render(
        "engine/vllm-ascend-start.sh.j2",
        python='"$release"/stack/venv/bin/python',
        version=stack.python,
        command=stack.command,
        together="",
        model=vllm.named(stack),
        words=vllm.words(instance, options),
        devices=instance.devices,
        driver=ascend.driver_libraries(),
    )
    variables = environment(instance, options)
    text = templates.render("engine/environment.j2", variables=variables)
    return {"start": File(start, "0755"), "environment": File(text, "0644")}


def environment(instance: Instance, options: VllmOptions) -> dict[str, str]:
    """
    Return the variables of the server's process beside those that were captured, none of them
    secret.
    """
    a2 = any(one.about.chip == _A2 for one in instance.stack.installers)
    return vllm.OFFLINE | _TUNED | (_TUNED_A2 if a2 else {}) | options.environment
