"""`userip reproduce fig7`: attention that words pay to soft tokens before and after tuning.

OUTPUT/STUDY/fig7/   report.html, report.md, results.json, figures/
"""
