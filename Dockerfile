# Every image of the stack, a target each: runner, sandbox, task-registry, repo-pool, artifact-store, llm-mock,
# and for the end-to-end tests git-server and otlp-receiver. On top of the base image only the npm registry is
# needed, and Debian's packages where the base brings no git.
ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS manifests
COPY . /source
WORKDIR /source
RUN mkdir /manifests && find . -name package.json -exec cp --parents {} /manifests \; && cp package-lock.json /manifests

# Installed anew only when a package.json or the lock file has changed.
FROM ${BASE} AS build
WORKDIR /app
COPY --from=manifests /manifests ./
RUN npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
COPY . .
RUN npm run codegen --workspace @necrocode/contracts \
 && node_modules/.bin/tsc -b apps/runner apps/task-registry-mock apps/repo-pool-mock apps/artifact-store-mock apps/llm-mock apps/sandbox-server apps/compose-e2e

# What runs: no compiler, no Nx, no tests, no sources.
FROM build AS production
COPY deploy/images/slim.sh /usr/local/bin/slim
RUN rm -rf node_modules && sh /usr/local/bin/slim apps libs

FROM ${BASE} AS packages
WORKDIR /app
COPY --from=manifests /manifests ./
COPY deploy/images/slim.sh /usr/local/bin/slim
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error \
 && sh /usr/local/bin/slim node_modules

FROM ${BASE} AS node
ENV NODE_ENV=production NODE_NO_WARNINGS=1
COPY deploy/images/healthy.sh /usr/local/bin/healthy
COPY deploy/images/accounts.sh /usr/local/bin/accounts
# One list of users and groups, so that a volume means the same in every container.
RUN chmod 755 /usr/local/bin/healthy && sh /usr/local/bin/accounts && rm /usr/local/bin/accounts
WORKDIR /app
COPY --from=production /app/package.json ./
COPY --from=packages /app/node_modules node_modules
COPY --from=production /app/libs libs

FROM node AS git
COPY deploy/images/install-git.sh /usr/local/bin/install-git
RUN sh /usr/local/bin/install-git && rm /usr/local/bin/install-git

FROM git AS runner
COPY --from=production /app/apps/runner apps/runner
USER node
HEALTHCHECK --start-period=90s --interval=5s --timeout=5s --retries=6 CMD ["healthy", "http", "8080", "/health/ready"]
CMD ["node", "--import", "@necrocode/telemetry/register", "apps/runner/dist/main.js"]

# Runs the commands of tasks. Build your own on top of it to give them more toolchains.
FROM git AS sandbox
COPY --from=production /app/apps/sandbox-server apps/sandbox-server
HEALTHCHECK --start-period=90s --interval=5s --timeout=5s --retries=6 CMD ["healthy", "socket", "/run/necrocode/sandbox.sock"]
CMD ["node", "apps/sandbox-server/dist/main.js"]

FROM node AS task-registry
COPY --from=production /app/apps/task-registry-mock apps/task-registry-mock
USER node
HEALTHCHECK --start-period=90s --interval=5s --timeout=5s --retries=6 CMD ["healthy", "grpc", "50051"]
CMD ["node", "--import", "@necrocode/telemetry/register", "apps/task-registry-mock/dist/main.js"]

FROM git AS repo-pool
COPY --from=production /app/apps/repo-pool-mock apps/repo-pool-mock
USER node
HEALTHCHECK --start-period=90s --interval=5s --timeout=5s --retries=6 CMD ["healthy", "grpc", "50052"]
CMD ["node", "--import", "@necrocode/telemetry/register", "apps/repo-pool-mock/dist/main.js"]

FROM node AS artifact-store
COPY --from=production /app/apps/artifact-store-mock apps/artifact-store-mock
USER node
HEALTHCHECK --start-period=90s --interval=5s --timeout=5s --retries=6 CMD ["healthy", "grpc", "50053"]
CMD ["node", "--import", "@necrocode/telemetry/register", "apps/artifact-store-mock/dist/main.js"]

FROM node AS llm-mock
COPY --from=production /app/apps/llm-mock apps/llm-mock
COPY examples/sample/llm-script.yaml /etc/necrocode/llm-script.yaml
USER node
HEALTHCHECK --start-period=90s --interval=5s --timeout=5s --retries=6 CMD ["healthy", "http", "8080", "/health"]
CMD ["node", "--import", "@necrocode/telemetry/register", "apps/llm-mock/dist/main.js"]

FROM git AS git-server
COPY --from=production /app/apps/compose-e2e apps/compose-e2e
USER node
HEALTHCHECK --start-period=90s --interval=5s --timeout=5s --retries=6 CMD ["healthy", "http", "8080", "/health"]
CMD ["node", "apps/compose-e2e/dist/git-server.js"]

FROM node AS otlp-receiver
COPY --from=production /app/apps/compose-e2e apps/compose-e2e
USER node
HEALTHCHECK --start-period=90s --interval=5s --timeout=5s --retries=6 CMD ["healthy", "http", "16686", "/"]
CMD ["node", "apps/compose-e2e/dist/otlp-receiver.js"]
