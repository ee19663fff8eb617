# docker build -t mockserver .  &&  docker run --rm -p 127.0.0.1:8402:8402 mockserver
ARG BASE=python:3.14-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
RUN apt-get update -qq && apt-get install -qq --yes --no-install-recommends binutils >/dev/null
WORKDIR /build

# The dependencies come first, so that an edit of the source installs none of them again; the cache keeps what was
# downloaded when the locks change. Every file must have a hash in its lock.
COPY .ci/build.lock .ci/image.lock .ci/
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv /opt/build \
 && /opt/build/bin/pip install --quiet --require-hashes --requirement .ci/build.lock \
 && python3 -m venv --without-pip /opt/mockserver \
 && /opt/build/bin/pip --python /opt/mockserver/bin/python install --no-compile --require-hashes --requirement .ci/image.lock
ENV PATH=/opt/mockserver/bin:$PATH

# Remove files that are never read: the symbols and sources of compiled modules (15 MB in uvloop alone).
RUN cd /opt/mockserver/lib/python3*/site-packages \
 && find . -type f \( -name '*.c' -o -name '*.h' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' \) -delete \
 && find . -name '*.so' -exec strip --strip-unneeded {} +

COPY .ci/release_metadata.py .ci/
COPY pyproject.toml README.md LICENSE ./
COPY fixtures fixtures
COPY mockserver mockserver
RUN /opt/build/bin/python -m hatchling build --target wheel --directory dist >/dev/null \
 && /opt/build/bin/pip --python /opt/mockserver/bin/python install --no-compile --no-index --no-deps dist/*.whl

# The file system may be read-only at run time, and a slim Python contains no byte code, so every start would compile
# all modules again. Therefore the server runs once here, and the byte code of all modules that it imports, the standard
# library's included, is kept (with unchecked hashes, so that Python does not look at the sources). The build fails if
# the server does not answer.
ENV PYTHONPYCACHEPREFIX=/opt/mockserver/bytecode
RUN mockserver --log-format json & server=$! \
 && mockserver healthcheck --pid $server --wait 60s \
 && python -c "from urllib.request import *; urlopen(Request('http://127.0.0.1:8402/v1/chat/completions', \
      b'{\"model\": \"o3-mini\", \"response_format\": {\"type\": \"json_object\"}, \
         \"messages\": [{\"role\": \"user\", \"content\": \"Anything in JSON?\"}]}', \
      {'Authorization': 'Bearer any', 'Content-Type': 'application/json'})); import jinja2.sandbox, mockserver.admin.api" \
 && kill $server && wait $server \
 && find $PYTHONPYCACHEPREFIX -name '*.pyc' | sed "s|^$PYTHONPYCACHEPREFIX||; s|\.cpython-[0-9]*\.pyc$|.py|" \
  | python -m compileall -q -f --invalidation-mode unchecked-hash -i -

FROM ${BASE}
COPY --from=build /opt/mockserver /opt/mockserver
ENV PATH=/opt/mockserver/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPYCACHEPREFIX=/opt/mockserver/bytecode \
    MOCKSERVER_HOST=0.0.0.0 \
    MOCKSERVER_FIXTURES=/fixtures
# The server serves the files mounted here, or the shipped fixtures if the folder is empty.
WORKDIR /fixtures
USER 65532:65532
EXPOSE 8402
# Process 1 is the server, or an init that has the server's flags in its command line. `--start-interval` needs Docker 25.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --start-interval=1s --retries=3 \
  CMD ["mockserver", "healthcheck", "--pid", "1"]
ENTRYPOINT ["mockserver"]

# The release workflow sets these; they are last, so that another value rebuilds no layer.
ARG BASE
ARG VERSION=unknown
ARG SOURCE=unknown
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="mockserver" \
      org.opencontainers.image.description="A mock LLM provider: canned answers, streams and errors" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="${BASE}"
