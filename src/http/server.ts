import { randomUUID } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { fastify, LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { IpAddress } from '../observation/ip-address.ts';
import type { CallingStation } from '../presence/calling-station.ts';
import { UserError } from '../runtime/user-error.ts';
import type { TokenCache } from '../identity/token-cache.ts';
import type { Logger } from '../runtime/logger.ts';
import { toCaller } from './access.ts';
import { addAudit } from './audit.ts';
import { addAuthentication, withConfiguredAdmin } from './auth.ts';
import { createCallingDevice } from './calling-device.ts';
import type { StreamLimits } from './event-streams.ts';
import { addSecurityHeaders } from './headers.ts';
import { collectMethods } from './method-not-allowed.ts';
import { addOpenApi } from './openapi.ts';
import { answerProblem, notFound } from './problem.ts';
import { keepRawBodies } from './raw-body.ts';
import { addRoutes, type RoutePorts } from './routes.ts';
import { keepCertificateFresh, readCertificate, type TlsFiles } from './tls.ts';

export type HttpServerOptions = {
  readonly tls?: TlsFiles;
  /** Address ranges of proxies whose `X-Forwarded-*` is believed. */
  readonly trustProxy: readonly string[];
  readonly publicUrl?: string;
  readonly adminToken?: string;
  /** Hand out credentials over plain HTTP to other machines too. */
  readonly allowInsecure: boolean;
  readonly streamLimits?: StreamLimits;
};

export type HttpServerPorts = RoutePorts & {
  readonly options: HttpServerOptions;
  readonly log: Logger;
  readonly tokens: Pick<TokenCache, 'find'>;
  /** Which station has a network address now. */
  readonly findStation: (address: IpAddress) => Promise<CallingStation>;
};

/** How long calls in flight may take to finish once the server closes. */
const drainMs = 4000;

/** The HTTP side of the service, complete but not listening yet. */
export function createHttpServer(ports: HttpServerPorts): FastifyInstance {
  const { options, log } = ports;
  const logger: FastifyBaseLogger = log;
  const app: FastifyInstance = fastify({
    loggerInstance: logger,
    // Addresses of calls hold hardware addresses; `logRequests` names the route instead.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => randomUUID(),
    bodyLimit: 1024 * 1024,
    handlerTimeout: 30_000,
    routerOptions: { maxParamLength: 256 },
    trustProxy: options.trustProxy.length === 0 ? false : [...options.trustProxy],
    // A call that arrives on an open connection while we close is answered, and its connection closed after that.
    return503OnClosing: false,
    serverFactory: (listener) => createServer(listener, options.tls),
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply),
    clientErrorHandler: answerUnreadable,
  });

  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(answerProblem);
  app.setNotFoundHandler((request, reply) => answerProblem(notFound('call'), request, reply));
  // What remains is application/json; anything else is a 415, which also keeps cross-site forms out.
  app.removeContentTypeParser('text/plain');
  keepRawBodies(app);

  if (options.tls !== undefined) {
    const fresh = keepCertificateFresh(app.server as https.Server, options.tls, log);
    app.addHook('onClose', () => fresh[Symbol.dispose]());
  }
  logRequests(app);
  closeGracefully(app);
  const { clock } = ports.registry;
  const findCaller = withConfiguredAdmin(async (text) => {
    const token = await ports.tokens.find(text);
    return token && toCaller(token);
  }, options.adminToken);
  const callingDevice = createCallingDevice(ports.findStation, options.trustProxy);
  const refuseOtherMethods = collectMethods(app);
  addAuthentication(app, { findCaller, clock });
  addAudit(app, ports.registry.db);
  // Plugins are loaded in this order, and each sees the routes that come after it.
  addSecurityHeaders(app, options);
  addOpenApi(app, options);
  void app.register(async (scope) => {
    addRoutes(scope.withTypeProvider<ZodTypeProvider>(), { ...ports, clock, findCaller, callingDevice });
    refuseOtherMethods(scope);
  });
  return app;
}

/** Opens the port. A port that is taken, or not ours to take, is one sentence that says so. */
export async function listen(
  app: FastifyInstance,
  at: { readonly host: string; readonly port: number },
): Promise<string> {
  try {
    const address = await app.listen({
      host: at.host,
      port: at.port,
      listenTextResolver: (url) => `serving ${withScheme(app, url)}`,
    });
    return withScheme(app, address);
  } catch (error) {
    const reasons: Readonly<Record<string, string>> = {
      EADDRINUSE: 'another process uses this port',
      EACCES: 'this user may not use this port',
      EADDRNOTAVAIL: 'this machine has no such address',
    };
    const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined) throw error;
    throw new UserError(`cannot serve HTTP on ${at.host} port ${at.port}: ${reason}; change http.listen`, {
      cause: error,
    });
  }
}

/** The framework can't know what `serverFactory` made. */
function withScheme(app: FastifyInstance, address: string): string {
  return app.server instanceof https.Server ? address.replace(/^http:/, 'https:') : address;
}

function createServer(listener: http.RequestListener, tls: TlsFiles | undefined): http.Server {
  const limits = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 65_000, maxHeaderSize: 16_384 };
  const server =
    tls === undefined
      ? http.createServer(limits, listener)
      : https.createServer({ ...limits, ...readCertificate(tls), minVersion: 'TLSv1.2' }, listener);
  server.maxConnections = 10_000;
  return server;
}

/** Bytes that are not HTTP, or come too slowly: there is no request to answer, only a socket. */
function answerUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, code] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ([408, 'timeout'] as const)
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ([431, 'headersTooLarge'] as const)
        : ([400, 'badRequest'] as const);
  const title = http.STATUS_CODES[status] ?? 'Bad Request';
  const body = JSON.stringify({ type: 'about:blank', title, status, detail: title.toLowerCase(), code, errors: [] });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    request.log.debug(
      {
        method: request.method,
        route: request.routeOptions.url,
        status: reply.statusCode,
        tokenId: request.caller?.tokenId,
        durationMs: Math.round(reply.elapsedTime),
      },
      'call answered',
    );
  });
}

/**
 * Closing stops the listening socket first, ends event streams (their own hook), lets calls in flight finish on
 * connections that then close, and after `drainMs` cuts whoever is still sending.
 */
function closeGracefully(app: FastifyInstance): void {
  let closing = false;
  let cut: NodeJS.Timeout | undefined;
  // Browsers open connections ahead; Node.js waits for one that has asked nothing yet as for a call.
  const connections = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  app.addHook('preClose', async () => {
    closing = true;
    for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
    cut = setTimeout(() => app.server.closeAllConnections(), drainMs);
  });
  app.addHook('onSend', async (_request, reply) => {
    if (closing) reply.header('connection', 'close');
  });
  app.addHook('onClose', async () => clearTimeout(cut));
}
