import { cp } from 'node:fs/promises';
import { Service } from '../support/service.ts';
import { signedHeaders, signingSecret } from '../support/signing.ts';
import { TempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';
import { countCheckIns, requireCheckIns } from './ledger.ts';
import { loadPopulation, stationAddress } from './population.ts';
import { type Figure, formatMs, formatRate } from './table.ts';

export type PushOptions = {
  readonly devices: number;
  readonly seconds: number;
  readonly progress: (text: string) => void;
};

const BATCH = 1_000;
/** So that a batch is on its way while another one is recorded. */
const SENDERS = 2;

/** `POST /v1/observations` with full, signed batches: first everybody arrives, then all are active again and again. */
export async function measurePush({ devices, seconds, progress }: PushOptions): Promise<readonly Figure[]> {
  await using population = new TempDir();
  progress(`registering ${devices} customers who are pushed`);
  await loadPopulation(population.path, devices, () => undefined);
  const sources = [{ id: 'portal', type: 'push', space: 'main', secret: signingSecret }];
  await using service = await Service.prepare({
    spaces: [{ id: 'main', idleTimeout: '30m' }],
    config: { logLevel: 'warn', sources },
  });
  await cp(population.path, service.dataDir, { recursive: true });
  await service.start();
  const batches = Array.from({ length: Math.ceil(devices / BATCH) }, (_, batch) => {
    const length = Math.min(BATCH, devices - batch * BATCH);
    return Array.from({ length }, (_, n) => ({ kind: 'active', mac: stationAddress(batch * BATCH + n) }));
  });
  progress(`all ${devices} devices are pushed for the first time`);
  await pushWhile(service, batches, (round) => round === 0);
  await until('every arrival is in the ledger', () => countCheckIns(service.dataDir).open === devices, 120_000);
  progress('the same devices are pushed again and again');
  const endsAt = performance.now() + seconds * 1_000;
  const { perSecond, slowestMs } = await pushWhile(service, batches, () => performance.now() < endsAt);
  requireCheckIns(service.dataDir, { open: devices, closed: 0 });
  return [
    { what: `pushed in signed batches of ${BATCH}`, measured: formatRate(perSecond) },
    { what: '  slowest answer', measured: formatMs(slowestMs) },
  ];
}

async function pushWhile(service: Service, batches: readonly object[][], goesOn: (round: number) => boolean) {
  const began = performance.now();
  let next = 0;
  let pushed = 0;
  let slowestMs = 0;
  const send = async (): Promise<void> => {
    for (let n = next++; goesOn(Math.floor(n / batches.length)); n = next++) {
      const observations = batches[n % batches.length] ?? [];
      const body = JSON.stringify({ sourceId: 'portal', observations });
      const headers = signedHeaders(body, Date.now(), { id: `msg_${n}` });
      const sentAt = performance.now();
      const response = await fetch(`${service.httpUrl}/v1/observations`, { method: 'POST', headers, body });
      if (response.status !== 200) throw new Error(`a batch was answered ${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
      slowestMs = Math.max(slowestMs, performance.now() - sentAt);
      pushed += observations.length;
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  return { perSecond: pushed / ((performance.now() - began) / 1_000), slowestMs };
}
