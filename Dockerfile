# For a CPU:   docker build -t userip .
# For CUDA:    docker build -t userip --build-arg TORCH=cu128 .     and docker run --gpus all ...
# To use it:   docker run --rm -v "$PWD:/work" -v userip:/cache userip fit --config demo
ARG PYTHON=3.12
FROM python:${PYTHON}-slim
# The build of torch, as uv names it: cpu, cu128, ... CUDA comes with torch, its driver is the host's.
ARG TORCH=cpu
RUN pip install --no-cache-dir uv
RUN --mount=type=bind,target=/source,rw \
    uv pip install --system --no-cache --torch-backend "$TORCH" "/source[redis]"
ENV USERIP_CACHE=/cache
WORKDIR /work
ENTRYPOINT ["userip"]
CMD ["--help"]
