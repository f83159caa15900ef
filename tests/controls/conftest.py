import pytest

from tests.controls.test_simple import planted
from userip_lightning.data.labels import Implicit, RatingThreshold
from userip_lightning.data.prepared import PreparedData


@pytest.fixture(scope="package")
def implicit(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    return planted(tmp_path_factory.mktemp("cache"), Implicit())


@pytest.fixture(scope="package")
def explicit(tmp_path_factory: pytest.TempPathFactory) -> PreparedData:
    return planted(tmp_path_factory.mktemp("cache"), RatingThreshold())
