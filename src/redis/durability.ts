import { withDeadline } from '../runtime/deadline.ts';
import type { Redis, RedisServer } from './connect.ts';
import { holdersOf } from './primary.ts';

/**
 * Which promise the server keeps for what it has acknowledged: `always` survives a power cut; `everysec` may lose the
 * last second of it; `none` loses all when the server ends; `unknown` when the server does not tell.
 */
export type Durability = 'always' | 'everysec' | 'none' | 'unknown';

/** From the weakest promise to the full one. */
const order: readonly Durability[] = ['none', 'everysec', 'unknown', 'always'];
const answerMs = 1_000;

/** The weakest of all who may come to hold this key: the nodes of a cluster have settings of their own. */
export async function readDurability(redis: Redis, key: string): Promise<Durability> {
  const answers = await Promise.allSettled(
    holdersOf(redis, key).map((server) => withDeadline(answerMs, durabilityOf(server))),
  );
  // A node that is away promises nothing now; that it is away is told elsewhere.
  const found = new Set(answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : undefined)));
  return order.find((durability) => found.has(durability)) ?? 'unknown';
}

async function durabilityOf(server: RedisServer): Promise<Durability> {
  try {
    const reply = await server.config('GET', 'append*');
    const settings = new Map<string, string>();
    for (let i = 0; i + 1 < reply.length; i += 2) settings.set(reply[i] as string, reply[i + 1] as string);
    if (settings.get('appendonly') !== 'yes') return 'none';
    const fsync = settings.get('appendfsync');
    return fsync === 'always' || fsync === 'everysec' ? fsync : 'none';
  } catch (error) {
    if ((error as Error).name !== 'ReplyError') throw error;
    // Managed servers refuse CONFIG; what they promise stands in their contract.
    return 'unknown';
  }
}

/** What a weaker promise means and how to get the full one; undefined for the full one. */
export function durabilityWarning(durability: Durability): string | undefined {
  const meaning = {
    always: undefined,
    everysec: 'Redis may lose the last second of what was acknowledged in a power cut',
    none: 'Redis loses what was acknowledged and not recorded yet when it restarts',
    unknown: 'Redis does not tell whether what was acknowledged survives a power cut',
  }[durability];
  return meaning && `${meaning}; set "appendonly yes" and "appendfsync always"`;
}
