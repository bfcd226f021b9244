import type { DhcpSourceConfig, PushSourceConfig, RadiusSourceConfig, SourceConfig } from '../config/schema.ts';
import { DhcpSource, type DhcpPorts } from './dhcp/source.ts';
import { PushSource, type PushPorts } from './push/source.ts';
import { RadiusSource } from './radius/source.ts';
import type { RadiusPorts } from './radius/receiver.ts';
import type { Source } from './source.ts';

/** What the sources are given; each type takes what it needs. */
export type SourcePorts = RadiusPorts & DhcpPorts & PushPorts;

/** How to make a source of each type. A type without an entry does not compile. */
const makers: {
  readonly [Type in SourceConfig['type']]: (
    config: Extract<SourceConfig, { type: Type }>,
    ports: SourcePorts,
  ) => Source;
} = {
  radius: (config: RadiusSourceConfig, ports) => new RadiusSource(config, ports),
  dhcp: (config: DhcpSourceConfig, ports) => new DhcpSource(config, ports),
  push: (config: PushSourceConfig, ports) => new PushSource(config, ports),
};

export function createSource(config: SourceConfig, ports: SourcePorts): Source {
  // The compiler does not see that the maker found by a section's type takes that section.
  const make = makers[config.type] as (config: SourceConfig, ports: SourcePorts) => Source;
  return make(config, ports);
}
