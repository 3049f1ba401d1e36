# A machine to run recipes on.
#
#     docker build --tag indomain .
#     docker run --rm --volume "$PWD:/experiment" indomain run quickstart
#
# For one with an NVIDIA GPU and its container toolkit:
#
#     docker build --tag indomain:gpu --build-arg "TENSORFLOW=tensorflow[and-cuda]" .
#     docker run --rm --gpus all --volume "$PWD:/experiment" indomain:gpu run quickstart
#
# Images are expected in /experiment/data; prepared sets and models stay in /experiment/.indomain, so that a container can go.
FROM python:3.11-slim

# Returns memory to the process instead of the system while a network is trained; the command preloads it.
RUN apt-get update && apt-get install --yes --no-install-recommends libjemalloc2 && rm -rf /var/lib/apt/lists/*

ARG TENSORFLOW="tensorflow"
WORKDIR /indomain
COPY . .
RUN pip install --no-cache-dir ".[adaptation,dicom,nifti,ranks,transport]" "${TENSORFLOW}"

ENV INDOMAIN_DATA=/experiment/data INDOMAIN_CACHE=/experiment/.indomain/cache INDOMAIN_MODELS=/experiment/.indomain/models \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /experiment
ENTRYPOINT ["indomain"]
CMD ["--help"]
