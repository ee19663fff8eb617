# docker build -t mockserver .  &&  docker run --rm -p 127.0.0.1:8402:8402 mockserver
ARG BASE=python:3.14-slim

FROM ${BASE} AS build
RUN apt-get update -qq && apt-get install -qq --yes --no-install-recommends binutils >/dev/null
WORKDIR /build
COPY pyproject.toml README.md LICENSE ./
COPY mockserver mockserver
COPY fixtures fixtures
RUN python3 -m venv /opt/mockserver \
 && /opt/mockserver/bin/pip install --no-cache-dir --no-compile --disable-pip-version-check . \
 && /opt/mockserver/bin/pip uninstall --yes --quiet pip
ENV PATH=/opt/mockserver/bin:$PATH

# Remove files that are never read: Faker's locales other than English and Latin, and the symbols and sources of
# compiled modules (15 MB in uvloop alone).
RUN cd /opt/mockserver/lib/python3*/site-packages \
 && find faker/providers -mindepth 2 -maxdepth 2 -type d -name '[a-z]*' ! -name 'en*' ! -name la -exec rm -r {} + \
 && find . -type f \( -name '*.c' -o -name '*.h' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pyi' \) -delete \
 && find . -name '*.so' -exec strip --strip-unneeded {} +

# The file system may be read-only at run time, and a slim Python contains no byte code, so every start would compile
# all modules again. Therefore the server runs once here, and the byte code of all modules that it imports, the standard
# library's included, is kept (with unchecked hashes, so that Python does not look at the sources). The build fails if
# the server does not answer.
ENV PYTHONPYCACHEPREFIX=/opt/mockserver/bytecode
RUN mockserver --log-format json & server=$! \
 && mockserver healthcheck --wait 60s \
 && python -c "from urllib.request import *; urlopen(Request('http://127.0.0.1:8402/v1/chat/completions', \
      b'{\"model\": \"o3-mini\", \"response_format\": {\"type\": \"json_object\"}, \
         \"messages\": [{\"role\": \"user\", \"content\": \"Anything in JSON?\"}]}', \
      {'Authorization': 'Bearer any', 'Content-Type': 'application/json'})); import jinja2.sandbox, mockserver.admin.api" \
 && kill $server && wait $server \
 && find $PYTHONPYCACHEPREFIX -name '*.pyc' | sed "s|^$PYTHONPYCACHEPREFIX||; s|\.cpython-[0-9]*\.pyc$|.py|" \
  | python -m compileall -q -f --invalidation-mode unchecked-hash -i -

FROM ${BASE}
ARG BASE
ARG VERSION=unknown
LABEL org.opencontainers.image.title="mockserver" \
      org.opencontainers.image.description="A mock LLM provider: canned answers, streams and errors" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.base.name="${BASE}"
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
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s --retries=3 CMD ["mockserver", "healthcheck"]
ENTRYPOINT ["mockserver"]
