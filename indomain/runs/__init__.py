"""Runs: a task becomes a finished folder. Knows neither images nor networks.

tags           where a run stands in the table, and what made its scores
task           one run to be done, and what a stage's `run` gets
folder         the runs folder: locks, records, integrity
stages         the stages in their order, and where their code is found
worker         does tasks one at a time, beside other workers
executor       what is pending; one worker, processes or a cluster
processes      `--jobs`
dask_cluster   `--cluster`
status         what a person sees of a recipe at work
durations      how long runs will take
memory         the peak memory of a process
publishing     a report's files in the results folder
"""
