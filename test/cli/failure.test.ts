import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { failureOf } from '../../src/cli/failure.ts';
import { ConfigError } from '../../src/config/problem.ts';
import { UserError } from '../../src/runtime/user-error.ts';

test('a port in use, and a server that is not there, are said in one sentence each', async () => {
  await using first = createServer().listen(0, '127.0.0.1');
  await once(first, 'listening');
  const { port } = first.address() as { port: number };
  const [taken] = await once(createServer().listen(port, '127.0.0.1'), 'error');
  expect(failureOf(taken).error).toBe(
    `127.0.0.1:${port} is in use by another program; stop that one, or set another address with listen`,
  );
  await first[Symbol.asyncDispose]();
  const [refused] = await once(connect(port, '127.0.0.1'), 'error');
  expect(failureOf(refused).error).toBe(
    `nothing answers at 127.0.0.1:${port}; start the server there, or correct its address`,
  );
});

test('the reason is found behind the error that was thrown', () => {
  const cause = thrownBy(() => mkdirSync('/nothing/here/at-all'));
  const failure = failureOf(new Error('cannot open the ledger', { cause: new AggregateError([cause]) }));
  expect(failure.error).toBe('cannot find /nothing/here/at-all; create it, or correct the path');
});

test('what a user can mend is said in its own words', () => {
  expect(failureOf(new UserError('do this'))).toEqual({ error: 'do this' });
  const problems = [{ path: 'spaces[0].id', message: 'is missing' }];
  expect(failureOf(new ConfigError('rollcall.yaml', problems))).toEqual({
    error: 'rollcall.yaml has a problem:\n  spaces[0].id: is missing',
    problems,
  });
});

test('what nobody expected is one line, without a stack', () => {
  const { error } = failureOf(new TypeError('x is not a function\n  and more'));
  expect(error).toBe('unexpected failure: x is not a function; please report it');
});

function thrownBy(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return error;
  }
}
