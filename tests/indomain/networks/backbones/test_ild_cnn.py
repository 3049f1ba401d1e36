from indomain.networks.backbones import ild_cnn


def test_its_filters_grow_as_squares_over_a_map_of_27_pixels():
    model = ild_cnn.ild_cnn((32, 32, 1))
    convolutions = [model.get_layer(f"conv{number}") for number in range(1, 6)]
    assert [layer.filters for layer in convolutions] == [4 * (number + 1) ** 2 for number in range(1, 6)]
    assert convolutions[-1].output.shape == (None, 27, 27, 144) and model.output_shape == (None, 288)
    weights = sum(4 * before * after + after for before, after in zip((1, 16, 36, 64, 100), (16, 36, 64, 100, 144)))
    assert model.count_params() == weights + 144 * 864 + 864 + 864 * 288 + 288
