# The server runs its TypeScript as it is, so the image is Node, the production packages and src: nothing is built.
# A release replaces the tag by the digest it was tested with.
FROM node:24-slim

# For the single-box form, which keeps what is hot in a Redis of its own. With `redisUrl` it is never started.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/* /etc/redis

WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The optional packages are Node binaries for machines with an older one, and native accelerators.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && npm cache clean --force
COPY LICENSE ./
COPY src ./src

# The only place that is written to, besides /tmp: the rest of the file system can be mounted read-only.
RUN install --directory --owner=65532 --group=65532 --mode=0700 /data
VOLUME /data

ENV NODE_ENV=production \
    ROLLCALL_HEALTH_URL=http://127.0.0.1:8080/livez
# Without a configuration, `./data` is the data directory, and `./data` is then the volume.
WORKDIR /
USER 65532:65532
EXPOSE 1813/udp 8080/tcp

# Liveness and not readiness: restarting us would not bring a lost database back, and /readyz says what is missing.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch(process.env.ROLLCALL_HEALTH_URL).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]

ENTRYPOINT ["node", "/app/src/main.ts"]
CMD ["serve"]
