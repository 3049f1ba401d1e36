"""The command line: `indomain run | plan | data | runs`.

cli             the parser and the exit status
run             `run` and `plan`
preview         what `plan` prints
data            `data list | show | check | prepare | new`
runs            `runs list | show | check | prune`
pair_sheet      the image of similar pairs that `data check` writes
contact_sheet   the image that `data show --augment` writes
"""
