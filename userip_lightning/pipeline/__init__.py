"""The stages of an experiment in order, each an artifact that is made once and found again.

OUTPUT/EXPERIMENT/
  config.yaml                the merged configuration, every default spelled out
  profile/KEY  quantize/KEY  controls/NAME-KEY  ctr/KEY     artifacts, named by what decides them
  work/STAGE-KEY/            checkpoints while a run is under way, record.json when it is done
  logs/                      curves as CSV; wandb/ where it is not disabled
  results.json  report.md  report.html     every figure; what results.json says is what is true
"""
