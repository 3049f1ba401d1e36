"""Runs: turns a task into a finished folder. Knows neither images nor networks.

tags           the coordinates of a run in the table, and the method behind its scores
task           one run to be done, and the arguments of a stage's `run`
folder         the runs folder: locks, records, integrity
stages         the stages in their order, and where their code is found
worker         does tasks one at a time, alongside other workers
executor       which tasks are pending; runs them by one worker, processes or a cluster
processes      `--jobs`
dask_cluster   `--cluster`
status         the progress display of a running recipe
durations      estimates of how long runs will take
memory         the peak memory of a process
allocator      memory that stays with a process that trains
publishing     copies a report's files to the results folder
"""
