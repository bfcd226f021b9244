import { readdirSync, readFileSync } from 'node:fs';
import type { Attribute } from '../../src/protocols/radius/attribute.ts';
import { parseRadiusText } from './radius-text.ts';

/** One packet of fixtures/radius and what it has to be understood as. */
export type RadiusFixture = {
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly expected: unknown;
};

const folder = new URL('../../fixtures/radius/', import.meta.url);

/** Every packet of every file: `=== title`, attributes, `=>`, JSON. The lines before the first title are notes. */
export function readRadiusFixtures(): RadiusFixture[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.txt'))
    .toSorted()
    .flatMap((file) => {
      const [, ...cases] = readFileSync(new URL(file, folder), 'utf8').split(/^=== /m);
      return cases.map((text) => {
        const title = text.slice(0, text.indexOf('\n'));
        const [attributes = '', expected = ''] = text.slice(title.length).split(/^=>$/m);
        return {
          name: `${file.replace('.txt', '')}: ${title}`,
          attributes: parseRadiusText(attributes),
          expected: JSON.parse(expected) as unknown,
        };
      });
    });
}

/** Cases of a file in fixtures/syntax: `input => output` per line, both as JSON, `none` for no output. */
export function readSyntaxFixtures(file: string): { readonly input: string; readonly output: unknown }[] {
  return readFileSync(new URL(`../../fixtures/syntax/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [input = '', output = ''] = line.split(' => ');
      return {
        input: JSON.parse(input) as string,
        output: output === 'none' ? undefined : (JSON.parse(output) as unknown),
      };
    });
}
