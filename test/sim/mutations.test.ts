import { expect, test } from 'vitest';
import { mutated, mutations } from './mutations.ts';

test.each(mutations)('the mistake "$name" fits the scripts as they are', (mutation) => {
  expect(() => mutated(mutation)).not.toThrow();
});
