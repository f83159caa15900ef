"""`userip fit` and what it leaves behind, from Python.

The names are those of the package:

    import userip_lightning as ui

    run = ui.fit("demo", seeds=[0], ctr={"trainer": {"max_epochs": 5}})
    run.table         # a row per variant of the CTR model
    run.codes         # a row per user
    run.explain()     # who the users of a code are; shown as a page in a notebook
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from userip_lightning.bank import FeatureBank
from userip_lightning.errors import InputError
from userip_lightning.explain.explanation import Explanation, User
from userip_lightning.explain.facts import USERS, Facts
from userip_lightning.explain.page import explain_page
from userip_lightning.explain.page_frame import explain_frame
from userip_lightning.pipeline.config import Experiment, experiment_parser, parse_experiment, settings_hash
from userip_lightning.pipeline.earlier_artifacts import RESULTS
from userip_lightning.pipeline.explained import Asked, asked
from userip_lightning.pipeline.failures import sentence
from userip_lightning.pipeline.finished import Finished, chosen_seed, finished, opened
from userip_lightning.pipeline.plan import experiment_root
from userip_lightning.pipeline.process_group import ALONE
from userip_lightning.pipeline.process_layout import process_count
from userip_lightning.pipeline.progress import Display
from userip_lightning.pipeline.quiet import quiet
from userip_lightning.pipeline.results import PAGE
from userip_lightning.pipeline.run import CONFIG
from userip_lightning.pipeline.run import fit as fit_stages
from userip_lightning.pipeline.shipped_configs import configuration
from userip_lightning.progress_bars import say
from userip_lightning.serving.profiler import Profiler

ConfigFile = str | PathLike[str]


class Run:
    """A finished experiment; made by :func:`fit` and :func:`load`.

    Args:
        folder: of the experiment.
        seed: whose codes are meant; those of the first seed where None.

    Raises:
        InputError: no experiment there, or none with this seed.
    """

    def __init__(self, folder: ConfigFile, seed: int | None = None) -> None:
        self.folder = Path(folder)
        with quiet():
            self.experiment: Experiment = opened(self.folder, "fit")
        self.seed = chosen_seed(self.experiment, seed)

    @property
    def table(self) -> pl.DataFrame:
        """A row per variant of the CTR model: no codes, codes, every control.

        Columns are those of ``variants`` of :class:`userip_lightning.report.comparison.Comparison`: AUC,
        Logloss and calibrated Logloss in nats, their deviation over seeds, differences to no codes with 95 %
        intervals. A report of an earlier version lacks what is calibrated until `userip fit` writes it anew.

        Raises:
            InputError: the CTR models were not judged.
        """
        return pl.DataFrame(self._comparison["variants"], infer_schema_length=None)

    @property
    def contrasts(self) -> pl.DataFrame:
        """A row per variant that the codes are held against; ``contrasts`` of the same class.

        Raises:
            InputError: the CTR models were not judged.
        """
        return pl.DataFrame(self._comparison["contrasts"], infer_schema_length=None)

    @property
    def verdict(self) -> str:
        """What may be said of the codes, in one sentence.

        Raises:
            InputError: the CTR models were not judged.
        """
        return str(self._comparison["verdict"])

    @property
    def results(self) -> dict[str, Any]:
        """``results.json``: every figure, what it cost, versions and hardware.

        Raises:
            InputError: the experiment has no report, or one of other settings than it has now.
        """
        file = self.folder / RESULTS
        if not file.is_file():
            raise InputError(f"{file}: missing; the experiment has no report yet, fit it to the end.")
        results = dict(json.loads(file.read_text(encoding="utf-8")))
        if results["config_hash"] != settings_hash((self.folder / CONFIG).read_text(encoding="utf-8")):
            raise InputError(f"{file}: made with other settings than {CONFIG} has now; fit it to the end.")
        return results

    @property
    def report(self) -> Path:
        """The page with every figure, ``report.html``."""
        return self.folder / PAGE

    @property
    def bank(self) -> FeatureBank:
        """The codes, as the CTR model reads them: ``run.bank.lookup(user_ids)`` is [N, P].

        Raises:
            InputError: the codes are not made with this configuration and version.
        """
        return FeatureBank.open(self._finished.codes.target)

    @property
    def codes(self) -> pl.DataFrame:
        """``user_id`` and one Int64 column per profile, sorted by user_id; raises as :attr:`bank`."""
        return self.bank.users

    @property
    def profiler(self) -> Profiler:
        """Codes of anybody, by the bank's own rule.

        Raises:
            InputError: as :attr:`bank`, or the codes come from the per-user engine.
        """
        return Profiler.load(self._finished.codes.target)

    @property
    def prepared(self) -> Path:
        """Folder of the prepared data: ``events.parquet``, ``items.parquet``, ``users.parquet``."""
        return self._finished.prepared

    def explain(self, lm: str | None = None, users: int = USERS) -> Explained:
        """Who the users of every code are, and why a user has theirs.

        Args:
            lm: name of a language model that reads codes; ``none`` asks none; where None, the experiment's
                own one does if that takes no download.
            users: how many are shown one by one.

        Raises:
            InputError: as :attr:`bank`, or the language model cannot be had.
        """
        if users < 0:
            raise InputError(f"users: {users} given, a number from 0 up is needed.")
        with quiet():
            done = self._finished
            return Explained(asked(self.experiment, done.prepared, done.codes, lm), users)

    def __repr__(self) -> str:
        """Where it lies, and whose codes are meant."""
        return f"Run({str(self.folder)!r}, seed={self.seed})"

    @cached_property
    def _finished(self) -> Finished:
        with quiet():
            return finished(self.experiment, self.folder, self.seed, say)

    @property
    def _comparison(self) -> dict[str, Any]:
        results = self.results
        if results["comparison"] is None:
            missing = "; ".join(f"{name}: {reason}" for name, reason in results["not_run"].items())
            raise InputError(f"{self.folder}: the CTR models were not judged ({missing}); fit it to the end.")
        return dict(results["comparison"])


class Explained:
    """What the codes of a run mean; made by :meth:`Run.explain`, a page in a notebook.

    Args:
        question: data and codes, and who reads words.
        users: how many are shown one by one.
    """

    def __init__(self, question: Asked, users: int) -> None:
        self._facts = Facts(question.source)
        self.found: Explanation = self._facts.explanation(question.words, users)

    @property
    def codes(self) -> pl.DataFrame:
        """A row per profile and code: label, users, share, click_rate, sure, and the titles liked most often
        in comparison with others."""
        rows = [
            {
                "profile": profile.name,
                "code": code.code,
                "label": code.label,
                "users": code.users,
                "share": code.share,
                "click_rate": code.click_rate,
                "sure": code.sure,
                "items": [item.title for item in code.items],
            }
            for profile in self.found.profiles
            for code in profile.codes
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def user(self, user_id: str) -> User:
        """One user's codes, how sure they are, and every event that speaks for or against them.

        Raises:
            InputError: nobody has this id.
        """
        return self._facts.user(user_id)

    @property
    def page(self) -> str:
        """The whole page as HTML, with no need of a network."""
        return explain_page(self.found.as_json())

    def __repr__(self) -> str:
        """Whose codes are explained, and where to look."""
        names = ", ".join(profile.name for profile in self.found.profiles)
        return f"Explained({names}); see .codes, .page and .user(user_id)"

    def _repr_html_(self) -> str:
        """The page in a frame of its own, so that its style does not leak into a notebook."""
        return explain_frame(self.found.as_json())


def fit(
    config: ConfigFile | Sequence[ConfigFile] | None = None,
    *,
    stages: Sequence[str] | None = None,
    progress: bool = True,
    **settings: Any,
) -> Run:
    """Run an experiment, as `userip fit` does; what is done and unchanged is kept, and a cut run goes on.

    Args:
        config: YAML file or the name of a shipped one (``"demo"``), or several, the later ones win.
        stages: to go through, in order; all where None.
        progress: whether to show how far it is, on standard error.
        settings: on top of the files, by their names in them: ``seeds=[0]``, ``output="elsewhere"``,
            ``ctr={"trainer": {"max_epochs": 5}}``. `userip fit --help` lists them.

    Raises:
        InputError: a setting or input that cannot be used, or a Trainer that asks for several processes.
    """
    words = [word for file in _files(config) for word in ("--config", configuration(str(file), say))]
    if settings:
        words += ["--config", json.dumps(settings, default=_plain)]
    if stages is not None:
        words += ["--stages", ",".join(stages)]
    try:
        experiment = parse_experiment(experiment_parser("fit", ""), words)
    except argparse.ArgumentError as error:
        raise InputError(f"fit: {sentence(error)}") from None
    _refuse_processes(experiment)
    with Display(None if progress else Console(quiet=True)) as display:
        fit_stages(experiment, display, ALONE)
    return Run(experiment_root(experiment.settings))


def load(folder: ConfigFile, seed: int | None = None) -> Run:
    """Open an experiment that `userip fit` or :func:`fit` has run; arguments and errors as :class:`Run`."""
    return Run(folder, seed)


def _plain(value: object) -> object:
    """What JSON has no form for: paths, and sequences such as ranges."""
    if isinstance(value, PathLike):
        return fspath(value)
    if isinstance(value, Sequence):
        return list(value)
    raise InputError(f"fit: {value!r} is no setting; give text, a number, a list, a mapping or a path.")


def _files(config: ConfigFile | Sequence[ConfigFile] | None) -> list[ConfigFile]:
    if config is None:
        return []
    return [config] if isinstance(config, (str, Path)) or not isinstance(config, Sequence) else list(config)


def _refuse_processes(experiment: Experiment) -> None:
    """A command can start its processes over; a notebook cannot."""
    for name in experiment.stages:
        section: Mapping[str, Any] = experiment.sections.get(name, {"trainer": {}})
        if (count := process_count(section["trainer"])) > 1:
            raise InputError(
                f"{name}.trainer: asks for {count} processes, and Python has one here; set devices and "
                "num_nodes to 1, or run `userip fit`."
            )
