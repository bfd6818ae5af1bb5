"""A new build leaves no image of the one before behind, and nothing else is touched."""

from __future__ import annotations

import subprocess
import tarfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from hotline.stack import remove_images


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, check=True, text=True).stdout.strip()


def built(folder: Path, name: str) -> str:
    """Make an image of this name that holds next to nothing, another each time; return its id."""
    (folder / "content").write_text(uuid.uuid4().hex)
    with tarfile.open(folder / "image.tar", "w") as image:
        image.add(folder / "content", "content")
    return docker("import", str(folder / "image.tar"), name)


@pytest.fixture
def name() -> Iterator[str]:
    name = f"hotline-test-image:{uuid.uuid4().hex}"
    yield name
    docker("image", "rm", name)


def test_an_image_that_lost_its_name_to_the_next_is_removed_and_one_that_has_a_name_stays(
    tmp_path: Path, name: str
) -> None:
    before, now = built(tmp_path, name), built(tmp_path, name)
    remove_images([before, now])
    assert docker("images", "--quiet", "--no-trunc", name) == now
    with pytest.raises(subprocess.CalledProcessError):
        docker("image", "inspect", before)


def test_an_image_of_somebody_elses_stays_though_it_has_no_name(tmp_path: Path, name: str) -> None:
    other, _ = built(tmp_path, name), built(tmp_path, name)
    remove_images([])
    assert docker("image", "inspect", "--format", "{{.Id}}", other) == other
    docker("image", "rm", other)
