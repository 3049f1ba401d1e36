"""Where every backbone begins: a picture, 0–255, resized to the network's own size if it has one."""

import keras


def image(shape: tuple[int, int, int], size: int | None) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input, and what the network sees.

    Args:
        shape: (rows, columns, channels) of the pictures.
        size: side of the square that they are resized to (bilinear, without aliasing); None: as they are.
    """
    inputs = keras.layers.Input(shape, name="image")
    if size is None or shape[:2] == (size, size):
        return inputs, inputs
    return inputs, keras.layers.Resizing(size, size, antialias=True, dtype="float32", name="to_own_size")(inputs)
