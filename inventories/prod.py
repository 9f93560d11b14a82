"""
A fleet, as a worked example: copy it, put in your hosts, and replace the canary by your model.

Every public list is a group, which ``--limit`` takes as it takes a host; so is the file's name,
``prod``. All other names start with an underscore. Nothing is merged from anywhere else: what a
host is, is the one ``HostSpec`` beside its name. See all of it, with every default, by

    pyinfra inventories/prod.py debug-inventory
"""

from ipaddress import IPv4Address

from inventories.stacks import vllm_0_26_cuda
from inventories.weights import canary
from roles.spec import (
    Accelerator,
    CudaDriver,
    DriverPackages,
    HostSpec,
    Instance,
    Packages,
    Secret,
    VllmOptions,
    inventory,
)

# Clients are on other machines. An address other than loopback is refused without an API key,
# and what is sent is not encrypted: keep the port inside the data centre.
_EVERYWHERE = IPv4Address("0.0.0.0")  # noqa: S104

# A secret is named, never written here: env= is a variable and file= a file on the machine that
# runs pyinfra, command= is asked there, so that a vault plugs in.
_KEY = Secret(command=("pass", "show", "inference/api-key"))

# The canary answers in seconds whether driver, engine and vision path are right, before a large
# model is moved. For your own model, pin a revision of a hub, which writes
# inventories/weights/<name>.py, and put its checks in there:
#
#   pyinfra @local deploy/pin.py --data weights=<name> --data from=huggingface:OWNER/REPO@main
#
# Or write it yourself:
#
#   WEIGHTS = Weights(
#       name="qwen3-vl-8b",
#       files=manifest(Path(__file__).with_suffix(".sha256")),
#       sources=(HostFolder(path="/mnt/models/Qwen3-VL-8B-Instruct"),),
#       takes=(Kind.IMAGE,),
#       checks=(Check(name="sum", kind=Kind.TEXT, prompt="What is 2 + 2?", expect="4"), ...),
#   )
#
# where the manifest beside it is made once, from a copy that you trust:
#
#   python -m roles.weights.manifest FOLDER > inventories/weights/<name>.sha256
#
# HostFolder is a folder that every host sees (a mount, a disk that was carried in), Folder is one
# on this machine. Each kind of question that a model takes has to be asked at least once. Once it
# was deployed, neither file is edited again: a new revision is a new file, and going back to it
# is one line here.
_OPTIONS = VllmOptions(max_model_len=4096, max_num_seqs=16, images=1, videos=1)

# Four cards without NVLink: one server each, behind ports 8000 to 8003.
_one_a_card = tuple(
    Instance(
        name=f"canary-{device}",
        stack=vllm_0_26_cuda.STACK,
        weights=canary.WEIGHTS,
        options=_OPTIONS,
        devices=(device,),
        address=_EVERYWHERE,
        port=8000 + device,
        api_key=_KEY,
    )
    for device in range(4)
)

# One server over two devices, which also proves that they can talk to each other. A large model
# would have all eight, tensor_parallel_size=8 and most of their memory.
_over_two = Instance(
    name="canary",
    stack=vllm_0_26_cuda.STACK,
    weights=canary.WEIGHTS,
    options=_OPTIONS.model_copy(update={"tensor_parallel_size": 2}),
    devices=(0, 1),
    address=_EVERYWHERE,
    port=8000,
    api_key=_KEY,
    # The name that clients ask for; it stays when the weights behind it change.
    model="assistant",
)

# These hosts cannot reach the internet, only a mirror of the package index beside them.
_MIRROR = Packages(index="https://mirror.example/simple")

# NVIDIA's driver is installed, kept and changed at exactly this version, by Ubuntu's own packages.
# Without driver= it is left as it is, and only judged. A host restarts for it when it may_reboot,
# after what it serves was drained.
_DRIVER = CudaDriver(
    version="580.173.02",
    source=DriverPackages(
        names=("nvidia-headless-580-server-open", "nvidia-utils-580-server"),
        fabric_manager="nvidia-fabricmanager-580",
    ),
)

_rtx3090 = HostSpec(
    accelerator=Accelerator.CUDA, instances=_one_a_card, driver=_DRIVER, may_reboot=True
)
_h200 = HostSpec(
    accelerator=Accelerator.CUDA,
    instances=(_over_two,),
    driver=_DRIVER,
    may_reboot=True,
    weights_root="/data/weights",
    packages=_MIRROR,
)

# Driver, firmware, CANN and MindIE come from Huawei's own files, each pinned by a list of your own
# copies, which nobody else can make: an inventory without the list is refused. So these hosts are
# watched here, and serve nothing. With inventories/stacks/mindie_3_0_a2.sha256, and with weights
# that you pinned, they serve Qwen3-VL, on loopback: MindIE has no keys (docs/engines/mindie.md).
#
#   _ascend = HostSpec(
#       accelerator=Accelerator.ASCEND,
#       installers=HostFolder(path="/mnt/ascend"),
#       packages=_MIRROR,
#       instances=(
#           Instance(
#               name="chat",
#               stack=mindie_3_0_a2.STACK,
#               weights=qwen3_vl_8b.WEIGHTS,
#               options=MindieOptions(
#                   dtype="bfloat16",
#                   world_size=2,
#                   max_prefill_batch_size=4,
#                   max_batch_size=16,
#                   npu_mem_size=8,
#                   images=1,
#               ),
#               devices=(0, 1),
#               port=1025,
#               model="assistant",
#               api_key=None,
#           ),
#       ),
#   )
_ascend = HostSpec(accelerator=Accelerator.ASCEND, packages=_MIRROR)

rtx3090, h200, ascend_800i_a2 = inventory(
    {
        "rtx3090-1.example": _rtx3090,
        "rtx3090-2.example": _rtx3090,
    },
    {
        "h200-1.example": _h200,
        "h200-2.example": _h200,
    },
    {
        "ascend-1.example": _ascend,
        "ascend-2.example": _ascend,
    },
)
