"""What pyproject.toml cannot say: the wheel has the top-level folder ``configs`` inside the package."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConfigs(build_py):
    """Copies ``configs``; an editable install finds them beside the package."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            self.copy_tree("configs", str(Path(self.build_lib, "userip_lightning", "configs")))


setup(cmdclass={"build_py": BuildWithConfigs})
