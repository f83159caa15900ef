"""`userip reproduce regimes`: does a log need text, a language model, or neither?

Every regime is an ordinary experiment of the catalogue engine on a smaller or colder version of one log, run
by the pipeline with every source of text and every control.

OUTPUT/EXPERIMENT/
  REGIME/          catalogue/, controls/ and ctr/ as `userip fit` leaves them, config.yaml, finding.json
  report/          results.json, report.md, report.html, figures/
  failures/        tracebacks of regimes that failed
"""
