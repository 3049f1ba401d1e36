"""The input layer that all backbones share: images, 0–255, resized to a given size if there is one."""

import keras


def image(shape: tuple[int, int, int], size: int | None) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The input layer, and the tensor that the network continues from.

    Args:
        shape: (rows, columns, channels) of the images.
        size: side in pixels of the square that the images are resized to (bicubic, antialiased); None: no resizing.
    """
    inputs = keras.layers.Input(shape, name="image")
    if size is None or shape[:2] == (size, size):
        return inputs, inputs
    resized = keras.layers.Resizing(
        size, size, interpolation="bicubic", antialias=True, dtype="float32", name="to_own_size"
    )(inputs)
    # Next to edges a cubic overshoots what an image can hold.
    return inputs, keras.layers.ReLU(255.0, dtype="float32", name="within_range")(resized)
