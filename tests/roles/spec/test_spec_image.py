"""Images and the options of LMDeploy: what they are made of, and what is refused."""

from typing import Any

import pytest

from roles import paths
from roles.spec import Engine, Image, ImageArchive, LmdeployOptions, Stack
from tests.roles.spec.nouns import Nouns

DIGEST = "0" * 64
REFERENCE = f"openmmlab/lmdeploy@sha256:{DIGEST}"
ARCHIVE = ImageArchive(file="lmdeploy.tar", sha256=DIGEST)


def _stack(nouns: Nouns, image: Image, **fields: Any) -> Stack:
    right = {"engine": Engine.LMDEPLOY, "version": "0.18.0", "name": "lmdeploy-0.18-image"}
    return nouns.stack(lock=image, **right | fields)


def _told(noun: Any) -> list[str]:
    return [str(fault) for fault in noun.faults()]


def test_pulled_loaded_built(nouns: Nouns) -> None:
    """Each of them is another stack, and another image on the host."""
    images = [
        Image(reference=REFERENCE),
        Image(archive=ARCHIVE),
        Image(reference=REFERENCE, lock=nouns.lock()),
    ]
    stacks = [_stack(nouns, image) for image in images]
    assert [_told(stack) for stack in stacks] == [[], [], []]
    assert len({stack.folder for stack in stacks}) == 3
    assert paths.image(stacks[0]) == f"metalserve/lmdeploy-0.18-image:{stacks[0].digest[:12]}"
    assert [image.pins for image in images] == [{}, {}, {"vllm": "0.26.0"}]


def test_unit_of_a_container_is_another(nouns: Nouns) -> None:
    """So that one engine can be replaced by itself in a container."""
    options = LmdeployOptions(session_len=4096)
    for lock, unit in (
        (Image(reference=REFERENCE), "metalserve-lmdeploy-compose@chat.service"),
        (nouns.lock(), "metalserve-lmdeploy@chat.service"),
    ):
        stack = nouns.stack(lock=lock, engine=Engine.LMDEPLOY, version="0.18.0")
        assert paths.unit(nouns.instance(stack=stack, options=options)) == unit


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "comes from nowhere, give exactly one of reference, archive"),
        (
            {"reference": REFERENCE, "archive": ARCHIVE},
            "has reference and archive, give exactly one of reference, archive",
        ),
        (
            {"reference": "openmmlab/lmdeploy:latest"},
            "reference: is 'openmmlab/lmdeploy:latest', should be a name with the digest",
        ),
    ],
)
def test_images_that_are_refused(fields: dict[str, Any], said: str) -> None:
    (told,) = _told(Image(**fields))
    assert said in told


def test_archives_that_are_refused() -> None:
    (told,) = _told(ImageArchive(file="../lmdeploy.tar", sha256=DIGEST))
    assert "file: is '../lmdeploy.tar', should be the name of what docker save wrote" in told


def test_image_of_another_engine(nouns: Nouns) -> None:
    (told,) = _told(nouns.stack(lock=Image(reference=REFERENCE)))
    assert told == "lock: is an image of vllm, give a Lock, only lmdeploy is started in a container"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"tp": 2, "distributed_executor_backend": "uni"},
            "distributed_executor_backend: is uni for 2 devices, leave it out, which is ray, or "
            "give mp",
        ),
        (
            {"extra": ("--api-keys=sesame",)},
            "extra: --api-keys is rendered from the spec, leave it out and set the field that "
            "says it",
        ),
        (
            {"extra": ("--max_batch_size", "4")},
            "extra: --max-batch-size is rendered from the spec, leave it out and set the field "
            "that says it",
        ),
        (
            {"extra": ("--trust_remote_code",)},
            "extra: --trust-remote-code would run code that came with the weights, leave it out "
            "and use a revision without remote code",
        ),
        (
            {"extra": ("--trust-remote-code",)},
            "extra: --trust-remote-code would run code that came with the weights, leave it out "
            "and use a revision without remote code",
        ),
    ],
)
def test_options_that_are_refused(fields: dict[str, Any], said: str) -> None:
    assert _told(LmdeployOptions(session_len=4096, **fields)) == [said]


@pytest.mark.parametrize(
    ("fields", "executor"),
    [({}, "uni"), ({"tp": 4}, "ray"), ({"tp": 4, "distributed_executor_backend": "mp"}, "mp")],
)
def test_executor_is_always_said(fields: dict[str, Any], executor: str) -> None:
    assert LmdeployOptions(session_len=4096, **fields).executor == executor
