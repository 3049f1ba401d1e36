"""2,000 phantoms of 64 × 64 pixels: at most 5 s."""

from statistics import median

from benchmarks.ratios import seconds_of, write
from indomain.data.images import phantom


def main() -> None:
    exposures = list(phantom.exposures(150))[:2000]
    times = [seconds_of(lambda: [phantom.render(exposure, (64, 64)) for exposure in exposures]) for _ in range(5)]
    write("phantoms", [{"what": "2000 phantoms, 64 px", "seconds_median": round(median(times), 3), "limit": 5}])


if __name__ == "__main__":
    main()
