"""The paper's tables and figures on anybody's data: datasets × splits × fields × methods × seeds.

OUTPUT/STUDY/
  profile/  quantize/  controls/  ctr/     artifacts of all tables, named by what decides them; made once
  trials/KEY.json                          what one choice of hyper-parameters reached on validation
  failures/                                tracebacks of rows that failed
  work/  logs/  wandb/                     as in an experiment (see the pipeline)
  table2/  table3/ ...                     reports: entries.json, tables, figures
"""
