"""What is to be bundled, and what an inventory file says of its hosts."""

from pathlib import Path

import pytest

from roles.bundle import inventory
from roles.bundle.asked import Asked, BundleError, asked, folder
from roles.spec import SpecError

ROOT = Path(__file__).parents[3]


def test_asked() -> None:
    given = {"inventory": "inventories/prod.py", "folder": "/mnt/bundle", "other": 1}
    prod = Path("inventories/prod.py")
    assert asked(given) == Asked(inventory=prod, folder=Path("/mnt/bundle"), index=None)
    found = asked(given | {"index": "https://mirror.example/simple", "folder": "here"})
    assert (found.index, found.folder) == ("https://mirror.example/simple", Path("here").absolute())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"folder": "/x"}, "give --data inventory=FILE and --data folder=DIR"),
        ({"inventory": "x.py"}, "give --data folder=DIR, a folder of the bundle's own"),
        (
            {"inventory": "x.py", "folder": "/x", "index": "https://me:pw@mirror"},
            "index: should be an http or https URL without a password",
        ),
    ],
)
def test_what_cannot_be_asked(given: dict[str, str], said: str) -> None:
    with pytest.raises(BundleError) as refused:
        asked(given)
    assert str(refused.value) == said


def test_folder_alone_is_enough_to_verify() -> None:
    assert folder({"folder": "/mnt/bundle"}) == Path("/mnt/bundle")


def test_specs_of_an_inventory() -> None:
    found = inventory.specs(ROOT / "inventories/prod.py")
    names = ("rtx3090-1", "rtx3090-2", "h200-1", "h200-2", "ascend-1", "ascend-2")
    assert list(found) == [f"{name}.example" for name in names]
    assert found["h200-1.example"].weights_root == "/data/weights"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "{file} does not exist, as in inventories/prod.py"),
        ("_hidden = [('a', {'spec': 1})]\nhosts = ['plain', ('b', {})]", "{file} has no host with"),
    ],
)
def test_file_that_is_no_inventory(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "site.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BundleError) as refused:
        inventory.specs(file)
    assert str(refused.value).startswith("inventory: " + said.format(file=file))


def test_inventory_that_contradicts_itself(tmp_path: Path) -> None:
    file = tmp_path / "site.py"
    file.write_text(
        "from roles.spec import HostSpec, inventory\n"
        "(hosts,) = inventory({'a': HostSpec(accelerator='tpu')})\n"
    )
    with pytest.raises(SpecError, match="a/accelerator: is 'tpu'"):
        inventory.specs(file)
