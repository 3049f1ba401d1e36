"""The contrast of an image, made independent of the device and of how a picture was stored.

N-CLAHE (Horry et al. 2020, IEEE Access 8:149808) stretches an image to all grey values, then equalises its histogram piece by
piece with limited contrast. Neither the size of the pieces nor the limit is known: scikit-image's defaults are used, pieces of
an eighth of each side and a limit of 0.01. What separates two sets beyond brightness and contrast stays.
"""

import numpy as np

N_CLAHE = "n-clahe"


def treated(image: np.ndarray, how: str) -> np.ndarray:
    """An image with the contrast that a manifest or recipe asks for.

    Args:
        image: uint8 (H, W), (H, W, 1) or (H, W, 3), 0–255; of colour the brightness is treated, and hue and saturation stay.
        how: "as it is" or "n-clahe".

    Returns:
        uint8 of the same shape. An image of one value stays as it is.
    """
    if how != N_CLAHE or image.min() == image.max():
        return image
    from skimage import exposure

    plain = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
    stretched = exposure.rescale_intensity(plain.astype(np.float64), out_range=(0.0, 1.0))
    equal = exposure.equalize_adapthist(stretched)
    return np.round(255 * equal).astype(np.uint8).reshape(image.shape)
