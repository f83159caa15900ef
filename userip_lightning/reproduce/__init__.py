"""The paper's tables and figures on anybody's data: datasets × splits × fields × methods × seeds.

OUTPUT/STUDY/
  profile/  quantize/  controls/  ctr/     artifacts of all tables, named by what decides them; made once
  trials/KEY.json                          what one choice of hyper-parameters reached on validation
  failures/                                tracebacks of rows that failed
OUTPUT/TABLE/                              what the report writes: entries.json, tables and figures
"""
