import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { Database } from '../../src/db/database.ts';
import { Child } from '../support/child.ts';
import { openSqliteHere } from './sqlite.ts';

export const mostPeople = 40;

/** The one Redis and the one ledger of a process that plays seeds; both are emptied between seeds. */
export class Servers implements AsyncDisposable {
  readonly redis: Redis;
  readonly db: Database;
  readonly #stack: AsyncDisposableStack;

  private constructor(redis: Redis, db: Database, stack: AsyncDisposableStack) {
    this.redis = redis;
    this.db = db;
    this.#stack = stack;
  }

  static async start(): Promise<Servers> {
    await using stack = new AsyncDisposableStack();
    // In memory where there is such a place: what is tested here is not the disk.
    const place = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'rollcall-sim-'));
    stack.defer(() => rm(place, { recursive: true, force: true }));
    const socket = join(place, 'redis.sock');
    const args = ['--port', '0', '--unixsocket', socket, '--dir', place, '--save', '', '--appendonly', 'no'];
    const child = new Child('redis-server', args);
    stack.defer(() => child.stop());
    await child.until('listening', () => existsSync(socket));
    const redis = stack.adopt(new Redis({ path: socket }), (open) => open.disconnect());
    await redis.ping();
    writeTogether(redis);
    const db = stack.use(await openSqliteHere());
    await addPeople(db);
    return new Servers(redis, db, stack.move());
  }

  async empty(): Promise<void> {
    await this.redis.flushall();
    await this.db.write.transaction().execute(async (trx) => {
      await trx.deleteFrom('check_ins').execute();
      await trx.deleteFrom('visits').execute();
      await trx.deleteFrom('events').execute();
      await trx.deleteFrom('settings').execute();
      await trx.updateTable('counters').set({ value: 0 }).where('name', '=', 'events').execute();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

export function personId(number: number): string {
  return `p${number}`;
}

async function addPeople(db: Database): Promise<void> {
  const people = Array.from({ length: mostPeople * 2 }, (_, number) => ({
    id: number < mostPeople ? personId(number) : `${personId(number - mostPeople)}-twin`,
    name: 'somebody',
    email: null,
    plan_id: null,
    active: 1 as const,
    opted_in: 1 as const,
    share_name: 0 as const,
    data_key: '',
    created_at: 1,
    updated_at: 1,
  }));
  await db.write.insertInto('customers').values(people).execute();
}

/** What is sent in one turn is one write: most of what a short command takes is the way to the kernel. */
function writeTogether({ stream }: Redis): void {
  const write = stream.write.bind(stream);
  let isCorked = false;
  const uncork = (): void => {
    isCorked = false;
    stream.uncork();
  };
  stream.write = ((...args: Parameters<typeof write>) => {
    if (!isCorked) {
      isCorked = true;
      stream.cork();
      queueMicrotask(uncork);
    }
    return write(...args);
  }) as typeof stream.write;
}
