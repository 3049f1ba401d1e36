"""Synthesis, before stage 2: generators learn from each fold's training images, and add images to them.

    python -m synthesis RECIPE

A run learns from the training images of one fold under the largest label budget, and from no other image. It writes
`synthetic.npz`, `judged.csv` (how the images compare with real ones, a line a class), `nearest.csv` (the nearest training image
of each) and `sheet.png` (real ones beside synthetic ones). Fine-tuning then has the same rows for every generator: the classic
training, the same with the training images repeated for as many steps, with synthetic images in two amounts, and with synthetic
images alone. For a target that adapts from other sets, their images can be translated to its look.

    options         the keys of [synthesis]
    plan, run       the stage's tasks, and how one is run
    registry        the generators by name
    players         generators and discriminators
    adversarial     how they learn from one another
    translators     the networks that translate one kind of image to another
    cycle           how they learn, there and back
    translation     translators in a run: between two classes, or from the sources' look to the target's
    learning        for how many steps all of them learn
    judgement       how synthetic images compare with real ones
"""
