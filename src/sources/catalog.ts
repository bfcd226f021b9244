import type { RadiusSourceConfig, SourceConfig } from '../config/schema.ts';
import { RadiusSource } from './radius/source.ts';
import type { RadiusPorts } from './radius/receiver.ts';
import type { Source } from './source.ts';

/** What the sources are given; each type takes what it needs. */
export type SourcePorts = RadiusPorts;

/** How to make a source of each type. A type without an entry does not compile. */
const makers: {
  readonly [Type in SourceConfig['type']]: (
    config: Extract<SourceConfig, { type: Type }>,
    ports: SourcePorts,
  ) => Source;
} = {
  radius: (config: RadiusSourceConfig, ports) => new RadiusSource(config, ports),
};

export function createSource(config: SourceConfig, ports: SourcePorts): Source {
  return makers[config.type](config, ports);
}
