"""Networks that a study has to survive."""

import os
import signal

from userip_lightning.ctr.networks.logistic import Logistic
from userip_lightning.schema import FeatureSchema


class Broken(Logistic):
    """Cannot be built."""

    def __init__(self, schema: FeatureSchema) -> None:
        raise ZeroDivisionError("this network has a mistake\nand more to say")


class Killed(Logistic):
    """Takes its process with it, as the system does when memory runs out."""

    def __init__(self, schema: FeatureSchema) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
        super().__init__(schema)
