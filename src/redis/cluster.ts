import { Cluster, type ClusterNode, type Redis as RedisServer, type RedisOptions } from 'ioredis';
import type { Logger } from '../runtime/logger.ts';
import { UserError } from '../runtime/user-error.ts';

/** Where a cluster's nodes are, the one that was asked first; undefined for a server that is no node of a cluster. */
export async function readClusterNodes(server: RedisServer): Promise<readonly ClusterNode[] | undefined> {
  // A server that refuses INFO, or has no such section, is taken as what it was before clusters: one server.
  const info = await server.info('cluster').catch(() => '');
  if (!/^cluster_enabled:1\r?$/m.test(info)) return undefined;
  const { host, port } = server.options;
  const others = (await server.cluster('SLOTS')).flatMap(([, , ...nodes]) => nodes);
  // A node that does not know its own address tells none.
  return [{ host, port }, ...others.flatMap(([host, port]) => (host ? [{ host, port }] : []))];
}

/**
 * A cluster's client with the promises of `createRedis`: what cannot be done now is refused. It follows a redirection,
 * since whoever redirects has done nothing, and repeats nothing whose fate is not known: no wait for a failover, no
 * second attempt after a connection was lost.
 */
export function createCluster(
  { username, password, tls, db }: RedisOptions,
  nodes: readonly ClusterNode[],
  patience: RedisOptions,
  logger: Logger,
): Cluster {
  if (db) throw new UserError(`a Redis cluster has no database ${db}; leave it out of redisUrl`);
  const cluster = new Cluster([...nodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: true,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    clusterRetryStrategy: (attempt: number) => Math.min(50 * attempt, 1_000),
    // A primary that hangs refuses nothing and redirects nobody; the other nodes know that it was replaced.
    slotsRefreshInterval: 2_000,
    // Certificates are made out to names, so a name stays one.
    dnsLookup: (address, callback) => callback(null, address),
    redisOptions: {
      ...patience,
      replyMapping: 'legacy',
      ...(username ? { username } : {}),
      ...(password ? { password } : {}),
      ...(tls === undefined ? {} : { tls }),
    },
  });
  reportNodes(cluster, logger);
  return cluster;
}

/**
 * Otherwise the first command to a node connects to it, and those right behind that are refused. A primary that is away
 * now is connected to when it is asked for something.
 */
export async function connectPrimaries(cluster: Cluster): Promise<void> {
  const waiting = cluster.nodes('master').filter(({ status }) => status === 'wait');
  await Promise.allSettled(waiting.map((node) => node.connect()));
}

/** One line when a node begins to fail and one when it works again, however often it is tried between. */
function reportNodes(cluster: Cluster, logger: Logger): void {
  const failing = new Set<string>();
  cluster.on('node error', (error: Error, node: string) => {
    if (!failing.has(node)) logger.warn({ err: error.message, node }, 'a node of the redis cluster does not answer');
    failing.add(node);
  });
  cluster.on('+node', (server: RedisServer) => {
    const node = `${server.options.host}:${server.options.port}`;
    server.once('ready', () => {
      if (failing.delete(node)) logger.info({ node }, 'a node of the redis cluster answers again');
    });
  });
}
