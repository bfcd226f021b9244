import { Redis } from 'ioredis';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.ts';
import { freePort } from './free-port.ts';
import { until } from './until.ts';

const PRIMARIES = 3;
const NODES = 6;
const SLOTS = 16_384;
/** How long a node may be silent before the others hold it to be lost; an election follows within a second or two. */
const NODE_TIMEOUT_MS = 1_500;

export type ClusterNode = {
  readonly port: number;
  readonly busPort: number;
  readonly url: string;
  readonly args: readonly string[];
  /** Kill it to lose the node. */
  process: Child;
};

/** Three primaries, each with a replica, every write synced before it is answered. */
export class RedisCluster implements AsyncDisposable {
  readonly nodes: readonly ClusterNode[];
  readonly #dir: string;

  private constructor(dir: string, nodes: readonly ClusterNode[]) {
    this.#dir = dir;
    this.nodes = nodes;
  }

  static async start(): Promise<RedisCluster> {
    const dir = await mkdtemp(join(tmpdir(), 'rollcall-cluster-'));
    const nodes: ClusterNode[] = [];
    for (let n = 0; n < NODES; n += 1) nodes.push(await startNode(dir));
    const cluster = new RedisCluster(dir, nodes);
    try {
      await cluster.#form();
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The node that takes the writes of a key now, as a node that runs knows it. */
  async primaryOf(key: string): Promise<ClusterNode> {
    return (await this.#holdersOf(key))[0] as ClusterNode;
  }

  /** The node that follows the primary of a key. */
  async replicaOf(key: string): Promise<ClusterNode> {
    const [, replica] = await this.#holdersOf(key);
    if (replica === undefined) throw new Error(`nobody follows the primary of ${key}`);
    return replica;
  }

  /** Brings a killed node back with its files; it resolves once every primary has a replica again. */
  async restart(node: ClusterNode): Promise<void> {
    await launch(node);
    await this.#untilInOrder();
  }

  async #holdersOf(key: string): Promise<readonly ClusterNode[]> {
    const slot = await this.#anyone((redis) => redis.cluster('KEYSLOT', key));
    const ranges = await this.#anyone((redis) => redis.cluster('SLOTS'));
    const [, , ...holders] = ranges.find(([from, to]) => from <= slot && slot <= to) ?? [0, 0];
    return holders.map(([, port]) => this.#at(port));
  }

  #at(port: number): ClusterNode {
    const node = this.nodes.find((node) => node.port === port);
    if (node === undefined) throw new Error(`no node of this cluster has the port ${port}`);
    return node;
  }

  async #anyone<T>(ask: (redis: Redis) => Promise<T>): Promise<T> {
    const node = this.nodes.find(({ process }) => process.ended === undefined);
    if (node === undefined) throw new Error('no node of this cluster runs');
    return await withRedis(node, ask);
  }

  async #form(): Promise<void> {
    for (const [n, node] of this.nodes.entries()) {
      await withRedis(node, async (redis) => {
        // Epochs of their own, so that no two primaries have to settle whose word is newer.
        await redis.cluster('SET-CONFIG-EPOCH', n + 1);
        if (n >= PRIMARIES) return;
        const bounds = [n, n + 1].map((part) => Math.floor((part * SLOTS) / PRIMARIES)) as [number, number];
        await redis.cluster('ADDSLOTSRANGE', bounds[0], bounds[1] - 1);
      });
    }
    // Everyone meets everyone: left to gossip, that takes seconds.
    for (const node of this.nodes) {
      await withRedis(node, async (redis) => {
        for (const { port, busPort } of this.nodes) await redis.call('CLUSTER', 'MEET', '127.0.0.1', port, busPort);
      });
    }
    await this.#each('knows every other', async (redis) => {
      const known = String(await redis.cluster('NODES'))
        .trim()
        .split('\n');
      return known.length === NODES && known.every((line) => !/handshake|fail/.test(line));
    });
    for (const [n, node] of this.nodes.entries()) {
      if (n < PRIMARIES) continue;
      const primary = this.nodes[n - PRIMARIES] as ClusterNode;
      const id = await withRedis(primary, (redis) => redis.cluster('MYID'));
      await withRedis(node, (redis) => redis.cluster('REPLICATE', id));
    }
    await this.#untilInOrder();
  }

  async #untilInOrder(): Promise<void> {
    await this.#each('sees the cluster in order', async (redis) =>
      (await redis.cluster('INFO')).includes('cluster_state:ok'),
    );
    await this.#each('has its replica, or its primary', async (redis) => {
      const replication = await redis.info('replication');
      return /slave0:.*state=online/.test(replication) || replication.includes('master_link_status:up');
    });
    // A node that has not heard yet who follows whom would tell a client of a cluster without replicas.
    await this.#each('knows who follows whom', async (redis) => {
      const ranges = (await redis.cluster('SLOTS')) as unknown[][];
      return ranges.length === PRIMARIES && ranges.every((range) => range.length === 4);
    });
  }

  async #each(what: string, ask: (redis: Redis) => Promise<boolean>): Promise<void> {
    for (const node of this.nodes) {
      await withRedis(node, (redis) => until(`each node ${what}`, () => ask(redis), 30_000));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Killed and not asked: a primary that is asked to go waits for its replica.
    await Promise.all(this.nodes.map(({ process }) => process.kill('SIGKILL')));
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function startNode(parent: string): Promise<ClusterNode> {
  const dir = await mkdtemp(join(parent, 'node-'));
  const port = await freePort();
  // Left alone, the bus takes a port 10,000 higher, and nobody has looked whether that is free.
  const busPort = await freePort();
  const settings = {
    port,
    'cluster-port': busPort,
    bind: '127.0.0.1',
    dir,
    save: '',
    appendonly: 'yes',
    appendfsync: 'always',
    daemonize: 'no',
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-node-timeout': NODE_TIMEOUT_MS,
    'repl-diskless-sync-delay': 0,
    // A replica counts for the others once it has received anything, be it a ping, which comes every ten seconds otherwise.
    'repl-ping-replica-period': 1,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const node = { port, busPort, url: `redis://127.0.0.1:${port}`, args, process: new Child('redis-server', args) };
  await untilAnswering(node);
  return node;
}

async function launch(node: ClusterNode): Promise<void> {
  node.process = new Child('redis-server', node.args);
  await untilAnswering(node);
}

async function untilAnswering(node: ClusterNode): Promise<void> {
  const answers = (redis: Redis) => redis.ping().then((pong) => pong === 'PONG');
  await node.process.until('answering', () => withRedis(node, answers).catch(() => false));
}

async function withRedis<T>(node: ClusterNode, ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(node.url, { retryStrategy: () => null, lazyConnect: true });
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await ask(redis);
  } finally {
    redis.disconnect();
  }
}
