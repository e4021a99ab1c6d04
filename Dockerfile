# One image for migrate, api, worker and relay; the command says which. Runs as an ordinary user, needs no write
# access but to /var/lib/concert (a volume) and /tmp.

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /opt/concert
RUN python -m venv /opt/concert/.venv
ENV PATH=/opt/concert/.venv/bin:$PATH
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock
COPY . .
RUN pip install --no-deps --no-build-isolation .
# The lock holds the development tools too, so that every installed file has its hash checked; they end here.
RUN python deploy/unneeded.py | xargs -r pip uninstall --yes --quiet

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin concert \
    && install -d -o concert -g concert -m 0700 /var/lib/concert
COPY --from=build /opt/concert/.venv /opt/concert/.venv
COPY deploy/heartbeat.py /opt/concert/heartbeat.py
ENV PATH=/opt/concert/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CONCERT_DATA_DIR=/var/lib/concert
WORKDIR /var/lib/concert
USER 10001:10001
EXPOSE 8000
ENTRYPOINT ["concert"]
CMD ["api"]
