"""Candidates: pairs of images that share landmarks."""

import numpy as np

from indomain.data import matching
from indomain.data.images import landmarks
from tests.indomain.data.images.test_landmarks import noise


def found(*images: np.ndarray) -> landmarks.Landmarks:
    return landmarks.find(landmarks.equalised(np.stack([landmarks.thumbnail(image) for image in images])))


def test_a_copy_is_a_candidate_and_its_map_is_right():
    one = found(noise(1), noise(2), np.ascontiguousarray(noise(1)[:, ::-1]), noise(3))
    pairs = matching.candidates(one, one)
    assert (pairs.first < pairs.second).all()
    best = pairs.votes.argmax()
    assert (pairs.first[best], pairs.second[best]) == (0, 2) and pairs.votes[best] >= 5
    assert np.abs(pairs.maps[best] - [[1, 0, 0], [0, -1, 0]]).max() < 0.1


def test_candidates_between_two_sets_are_by_their_own_numbers():
    pairs = matching.candidates(found(noise(1), noise(2)), found(noise(4), noise(5), noise(2)))
    best = pairs.votes.argmax()
    assert (pairs.first[best], pairs.second[best]) == (1, 2)


def test_images_without_landmarks_have_no_candidates():
    blank = found(np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8))
    assert len(matching.candidates(blank, blank).first) == 0
    assert len(matching.candidates(found(noise(1)), blank).first) == 0


def test_cells_find_what_a_comparison_of_all_finds(monkeypatch):
    many = found(*(noise(seed) for seed in range(100)), *(noise(seed)[::-1] for seed in range(100)))
    pairs = []
    for few in (10**9, 0):
        monkeypatch.setattr(matching, "_FEW", few)
        named = matching.candidates(many, many)
        pairs.append({(a, b) for a, b, votes in zip(named.first, named.second, named.votes) if votes >= 3})
    copies = {(number, number + 100) for number in range(100)}
    assert copies <= pairs[0] and len(copies - pairs[1]) <= 1
