"""The command line: `indomain new | advise | plan | run | predict | recipe | models | data | runs`.

cli             the parser and the exit status
run             `run` and `plan`
preview         what `plan` prints
new             `new`
recipe          `recipe --keys | --schema`
completion      `completion`
advise          `advise`
predict         `predict`
models          `models export | list | show | import`
data            `data list | show | check | prepare | export | croissant | new`
runs            `runs list | show | check | prune`
pair_sheet      the image of similar pairs that `data check` writes
contact_sheet   the image that `data show --augment` writes
"""
