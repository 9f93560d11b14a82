"""Options of MindIE."""

import math
from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from roles.spec.base import Fault, RemotePath, Spec, Variable, spelled
from roles.spec.model import Model
from roles.spec.options import extra
from roles.spec.stack import Engine

_MODEL = "BackendConfig.ModelDeployConfig.ModelConfig.0"
_SERVER = (
    *("ipAddress", "managementIpAddress", "port", "managementPort", "metricsPort"),
    *("allowAllZeroIpListening", "maxLinkNum", "httpsEnabled", "interCommTLSEnabled"),
    *("tlsCaPath", "tlsCaFile", "tlsCert", "tlsPk", "tlsCrlPath", "tlsCrlFiles"),
    *("managementTlsCaFile", "managementTlsCert", "managementTlsPk"),
    *("managementTlsCrlPath", "managementTlsCrlFiles"),
    *("metricsTlsCaFile", "metricsTlsCert", "metricsTlsPk"),
    *("metricsTlsCrlPath", "metricsTlsCrlFiles"),
)
# Keys of config.json that are made from the spec.
RENDERED = (
    *(f"ServerConfig.{key}" for key in _SERVER),
    *("BackendConfig.npuDeviceIds", "BackendConfig.interNodeTLSEnabled"),
    *("BackendConfig.modelInstanceNumber", "BackendConfig.multiNodesInferEnabled"),
    *(
        f"BackendConfig.ModelDeployConfig.{key}"
        for key in ("maxSeqLen", "maxInputTokenLen", "truncation")
    ),
    *(
        f"{_MODEL}.{key}"
        for key in ("modelName", "modelWeightPath", "worldSize", "npuMemSize", "trustRemoteCode")
    ),
    *(
        f"BackendConfig.ScheduleConfig.{key}"
        for key in ("maxPrefillTokens", "maxPrefillBatchSize", "maxBatchSize", "maxIterTimes")
    ),
)
# Variables that are made from the spec, and those that would let it listen elsewhere.
_VARIABLES = (
    *("ASCEND_RT_VISIBLE_DEVICES", "MIES_CONFIG_JSON_PATH", "MIES_CONTAINER_IP"),
    *("MIES_CONTAINER_MANAGEMENT_IP", "MIES_SERVICE_MONITOR_MODE", "RANK_TABLE_FILE"),
)

_Key = Annotated[
    str,
    spelled(
        r"[A-Za-z]\w*(\.\w+)+",
        "should be a path such as ServerConfig.tokenTimeout",
    ),
]
_Below = Annotated[
    str,
    spelled(
        r"(?!.*\.\.)[A-Za-z0-9_-][A-Za-z0-9._/-]*",
        "should be a path from MindIE's own folder, without ..",
    ),
]
_Folder = Annotated[
    str,
    spelled(
        r"(?!.*\.\.)[A-Za-z0-9_-][A-Za-z0-9._/-]*/",
        "should be a folder from MindIE's own, without .. and with / at its end",
    ),
]
_FileName = Annotated[str, spelled(r"[A-Za-z0-9][A-Za-z0-9._-]*", "should be a name of a file")]


class MindieClient(Spec):
    """
    By what our own questions are asked over HTTPS: files on the host that root can read.

    :param certificate: of one of the authorities that the server takes
    :param key: its private key, without a password
    :param ca: the authority that the server's own certificate is held against
    """

    certificate: RemotePath
    key: RemotePath
    ca: RemotePath


class MindieHttps(Spec):
    """
    Certificates of MindIE's three planes, by its own names; clients need one of its authorities.

    MindIE reads each file at its own folder (``mindie-service`` of a run package, the package
    ``mindie_llm`` of wheels) with the path appended, and refuses what a link leads out of there
    (``CheckPath`` in ``param_checker.cpp``, ``GetHomePath`` in ``common_util.cpp``). So they lie
    in the installation, a folder for each instance, each a file of the instance's user with mode
    640 or less. They are put there by hand; what is here are names, the key's too.

    :param tls_cert: the server's certificate
    :param tls_pk: its private key, without a password
    :param tls_ca_path: folder of the authorities
    :param tls_ca_file: one to three of them
    :param tls_crl_path: folder of the lists of what was revoked
    :param tls_crl_files: up to three of them
    :param client: by what the server is asked whether it is ready and answers right
    """

    tls_cert: _Below = "security/certs/server.pem"
    tls_pk: _Below = "security/keys/server.key.pem"
    tls_ca_path: _Folder = "security/ca/"
    tls_ca_file: tuple[_FileName, ...] = Field(default=("ca.pem",), min_length=1, max_length=3)
    tls_crl_path: _Folder = "security/certs/"
    tls_crl_files: tuple[_FileName, ...] = Field(default=(), max_length=3)
    client: MindieClient | None = None


class MindieOptions(Spec):
    """
    What is changed in MindIE's ``config.json``, by its own names in our spelling; its shipped
    values unless given.

    :param world_size: chips that share the model; an Atlas 300I DUO card has two
    :param max_seq_len: tokens of prompt and answer together
    :param max_input_token_len: tokens of a prompt
    :param truncation: shorten a longer prompt; it is refused unless given
    :param max_prefill_tokens: tokens that one prefill step takes
    :param max_prefill_batch_size: requests in one prefill step
    :param max_batch_size: requests worked on at once
    :param max_iter_times: tokens of an answer
    :param npu_mem_size: GiB a chip for the key-value cache, -1 lets MindIE choose. Unless given:
        what its documentation computes for a model with a vision tower, which -1 leaves no room;
        -1 for any other
    :param management_port: where health is asked, on loopback; the port after the instance's
    :param metrics_port: where metrics are read, on loopback; the second after it
    :param https: certificates; plain HTTP unless given, since it is what MindIE serves on loopback
    :param images: images that one request may hold
    :param videos: videos that one request may hold
    :param environment: further variables of the server's process
    :param config: further keys of ``config.json`` by their path
    """

    COUNTS_DEVICES: ClassVar[str] = "world_size"

    engine: Literal[Engine.MINDIE] = Engine.MINDIE
    dtype: Literal["bfloat16", "float16"] = "float16"
    world_size: int = Field(default=1, ge=1)
    max_seq_len: int = Field(default=2560, ge=16)
    max_input_token_len: int = Field(default=2048, ge=1, le=4194304)
    truncation: bool = False
    max_prefill_tokens: int = Field(default=8192, ge=1)
    max_prefill_batch_size: int = Field(default=50, ge=1)
    max_batch_size: int = Field(default=200, ge=1, le=819200)
    max_iter_times: int = Field(default=512, ge=1)
    npu_mem_size: int | None = Field(default=None, ge=-1)
    management_port: int | None = Field(default=None, ge=1024, le=65535)
    metrics_port: int | None = Field(default=None, ge=1024, le=65535)
    https: MindieHttps | None = None
    images: int = Field(default=0, ge=0)
    videos: int = Field(default=0, ge=0)
    environment: dict[Variable, str] = Field(default_factory=dict, repr=False)
    config: dict[_Key, JsonValue] = Field(default_factory=dict, repr=False)

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together."""
        return self.max_seq_len

    @property
    def concurrency(self) -> int:
        """Requests worked on at once."""
        return self.max_batch_size

    def planes(self, port: int) -> tuple[int, int]:
        """Return the ports of management and of metrics beside an instance's."""
        return self.management_port or port + 1, self.metrics_port or port + 2

    def documented(self, model: Model) -> int:
        """
        Return GiB a chip for a whole prefill batch of full length, as MindIE's documentation
        computes it, rounded up; by ``head_dim`` where it is not ``hidden_size`` by heads.
        """
        token = 4 * model.layers * model.kv_heads * model.head_dim
        tokens = self.max_prefill_batch_size * self.max_seq_len
        return math.ceil(token * tokens / self.world_size / 2**30)

    def cache_gib(self, model: Model | None) -> int:
        """Return ``npuMemSize``: as given, or what suits the model."""
        if self.npu_mem_size is not None:
            return self.npu_mem_size
        return self.documented(model) if model and model.vision else -1

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        yield from extra.rendered_variables(self.environment, _VARIABLES)
        for path in self.config:
            made = [key for key in RENDERED if key == path or key.startswith(f"{path}.")]
            if made or path.startswith(tuple(f"{key}." for key in RENDERED)):
                yield Fault(
                    path="config",
                    wrong=f"{path} is rendered from the spec",
                    right="leave it out and set the field that says it",
                )
