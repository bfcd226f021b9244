import { expect, test } from 'vitest';
import { createTextNumbers } from '../../src/presence/text-numbers.ts';

const keys = Array.from({ length: 100_000 }, (_, n) => `hq/ap-${n % 50}|${n.toString(16).padStart(16, '0')}`);

test('numbers tell sessions apart, are exact in a Lua number, and never 0', () => {
  const sessionNumber = createTextNumbers(Buffer.from('8 bytes!'));
  const numbers = new Set(keys.map(sessionNumber));
  expect(numbers.size).toBe(keys.length);
  expect([...numbers].every((number) => Number.isSafeInteger(number) && number > 0)).toBe(true);
});

test('the same session has another number under another secret, and the same one on every node', () => {
  const [one, other] = [createTextNumbers(Buffer.alloc(8, 1)), createTextNumbers(Buffer.alloc(8, 2))];
  expect(keys.filter((key) => one(key) === other(key))).toEqual([]);
  expect(createTextNumbers(Buffer.alloc(8, 1))(keys[7] as string)).toBe(one(keys[7] as string));
});
