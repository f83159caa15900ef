"""`userip reproduce table5`: words of users and codes, and whether they are better than chance.

OUTPUT/STUDY/table5/   report.html, report.md, results.json, figures/
"""
