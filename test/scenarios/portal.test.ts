import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkInsOf } from '../support/check-ins.ts';
import type { EventStream } from '../support/event-stream.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { Service } from '../support/service.ts';
import { signedHeaders, signingSecret } from '../support/signing.ts';
import { never, until } from '../support/until.ts';

const OPEN_LONG_MS = 15_000;
const IDLE_MS = 3_000;

type Item = {
  readonly kind: 'associated' | 'active' | 'left';
  readonly mac?: string;
  readonly identity?: string;
  readonly identityKind?: string;
  readonly at?: string;
};
type SourceView = {
  readonly id: string;
  readonly state: string;
  readonly observations: number;
  readonly precision: string;
};

describe.concurrent('a portal and a script tell who is there', () => {
  const opened = new AsyncDisposableStack();
  let service: Service;
  let feed: EventStream;

  beforeAll(async () => {
    const keys = { id: 'keys', idleTimeout: '3s', identities: { order: ['pskName', 'userName'], stripRealms: 'all' } };
    const sources = [
      { id: 'portal', type: 'push', space: 'main', secret: signingSecret },
      { id: 'helper', type: 'push', space: 'keys' },
      { id: 'annex-portal', type: 'push', space: 'annex' },
    ];
    service = opened.use(
      await Service.start({
        spaces: [{ id: 'main', idleTimeout: '3s' }, keys, { id: 'annex', idleTimeout: '3s' }],
        config: { sources },
      }),
    );
    feed = opened.use(await service.sse());
  });
  afterAll(() => opened.disposeAsync());

  /** A customer with a pass who is known by an identity, and by no device. */
  async function member(id: string): Promise<string> {
    const identity = `${id}@example.org`;
    await service.api.put(`/v1/customers/${id}`, { name: id, identities: [identity] });
    await service.api.post(`/v1/customers/${id}/passes`, { kind: 'unlimited' });
    return identity;
  }

  /** The portal sends a signed batch, and no token. */
  async function portal(...observations: readonly Item[]): Promise<unknown> {
    const body = JSON.stringify({ sourceId: 'portal', observations });
    const headers = signedHeaders(body, Date.now());
    const response = await fetch(`${service.httpUrl}/v1/observations`, { method: 'POST', headers, body });
    const answer = await response.json();
    if (response.status !== 200) throw new Error(`answered ${response.status}: ${JSON.stringify(answer)}`);
    return answer;
  }

  const helper = (...observations: readonly Item[]) =>
    service.api.post('/v1/observations', { sourceId: 'helper', observations });

  const story = async (id: string) => (await checkInsOf(service.api, id)).map(({ state }) => state);
  const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

  test('a login checks in; that they left is no departure; being idle is, as of the last activity', async () => {
    const identity = await member('mia');
    const at = ago(0);
    const login = { kind: 'active', mac: documentationMac(1), identity, at } as const;
    expect(await portal(login)).toEqual({ recorded: 1, ignored: {}, notRecorded: 0 });
    await feed.next('checkin.recorded', 'mia');
    await portal({ kind: 'left', mac: documentationMac(1), identity });
    await never('they are out at once', IDLE_MS / 2, () => feed.count('checkout.recorded', 'mia') > 0);
    const { data } = await feed.next('checkout.recorded', 'mia', OPEN_LONG_MS);
    expect(data).toMatchObject({ startedAt: at, endedAt: at, checkOutReason: 'idle', method: 'wifi' });
    expect(Date.parse(String(data['detectedAt'])) - Date.parse(at)).toBeGreaterThanOrEqual(IDLE_MS);
  });

  test('who is reported again and again stays, and goes when that ends', async () => {
    const identity = await member('noor');
    for (let i = 0; i < 4; i += 1) {
      await portal({ kind: 'active', identity });
      await never('they are out', 1_000, () => feed.count('checkout.recorded', 'noor') > 0);
    }
    await feed.next('checkout.recorded', 'noor', OPEN_LONG_MS);
    expect(await story('noor')).toEqual(['closed']);
  });

  test('late, repeated and in the wrong order, it is one visit', async () => {
    const identity = await member('otis');
    const mac = documentationMac(2);
    const times = [6_000, 4_500, 3_000, 1_500, 0].map(ago);
    const [first = '', , third = '', , last = ''] = times;
    const visit = times.map((at): Item => ({ kind: 'active', mac, identity, at }));
    await portal({ kind: 'left', mac, identity, at: third }, ...visit.toReversed());
    await feed.next('checkin.recorded', 'otis');
    await portal(...visit, ...visit);
    await portal({ kind: 'associated', mac, identity, at: first });
    await feed.next('checkout.recorded', 'otis', OPEN_LONG_MS);
    const ended = async () => (await checkInsOf(service.api, 'otis')).filter(({ state }) => state !== 'void');
    expect(await ended()).toMatchObject([{ state: 'closed', startedAt: first, endedAt: last }]);
  });

  test('a login on somebody else’s device counts for whoever logged in, and is a conflict', async () => {
    const mac = documentationMac(3);
    await registerPerson(service.api, { id: 'owner', mac });
    const identity = await member('guest');
    await portal({ kind: 'active', mac, identity });
    const { data } = await feed.next('device.conflict', 'guest');
    expect(data).toMatchObject({ spaceId: 'main', kind: 'twoCustomers', registeredTo: 'owner' });
    expect(await story('guest')).toEqual(['open']);
    expect(await story('owner')).toEqual([]);
  });

  test('the name of a person’s own key counts where the space says so, and what a space leaves out counts for nothing', async () => {
    await service.api.put('/v1/customers/kim', { name: 'kim', identities: ['kim-key'] });
    await service.api.post('/v1/customers/kim/passes', { kind: 'unlimited' });
    const mac = documentationMac(4);
    // Whose the station is, nobody in this space can tell.
    expect(await helper({ kind: 'active', identity: 'kim-key' })).toMatchObject({ ignored: { nobody: 1 } });
    await helper({ kind: 'active', mac, identity: 'kim-key', identityKind: 'portal' });
    expect(await story('kim')).toEqual([]);
    await helper({ kind: 'active', mac, identity: 'Kim-Key@wifi.example.org', identityKind: 'pskName' });
    await feed.next('checkin.recorded', 'kim');
    expect(await checkInsOf(service.api, 'kim')).toMatchObject([{ state: 'open', spaceId: 'keys' }]);
  });

  test('who logs in at one portal, at another, and at the first again, is where they logged in last', async () => {
    const identity = await member('roam');
    const mac = documentationMac(5);
    // When a batch was signed is known to the second only.
    const login = () => ({ kind: 'active', mac, identity, at: ago(0) }) as const;
    await portal(login());
    await feed.next('checkin.recorded', 'roam');
    await service.api.post('/v1/observations', { sourceId: 'annex-portal', observations: [login()] });
    const isOut = async () =>
      (await checkInsOf(service.api, 'roam')).some(({ checkOutReason }) => checkOutReason === 'transfer');
    await until('they are out of the first', isOut);
    await portal(login());
    await until('they are in again', () => feed.count('checkin.recorded', 'roam') === 3);
    const [again] = await checkInsOf(service.api, 'roam');
    expect(again).toMatchObject({ state: 'open', spaceId: 'main' });
  });

  test('an admin’s token does not stand in for the signature; a stranger’s station is listed', async () => {
    const observations = [{ kind: 'active', mac: documentationMac(6) }];
    const { status, body } = await service.api.request('POST', '/v1/observations', {
      sourceId: 'portal',
      observations,
    });
    expect([status, body]).toMatchObject([401, { code: 'signatureRequired' }]);
    await portal(observations[0] as Item);
    const { items } = await service.api.get<{ items: object[] }>('/v1/devices/unregistered?spaceId=main');
    expect(items).toContainEqual(expect.objectContaining({ sourceId: 'portal', mac: '••-••-••-••-53-06' }));
  });

  test('the source says what came of it, and so do the metrics', async () => {
    const identity = await member('count');
    await portal({ kind: 'active', identity });
    const { items } = await service.api.get<{ items: SourceView[] }>('/v1/sources');
    const view = items.find(({ id }) => id === 'portal');
    expect(view).toMatchObject({ type: 'push', spaceId: 'main', state: 'up', precision: 'active' });
    expect(view?.observations).toBeGreaterThan(0);
    expect(await service.metric('rollcall_observations_total', 'source="portal"', 'kind="active"')).toBeGreaterThan(0);
    expect(await service.metric('rollcall_source_up', 'source="portal"')).toBe(1);
  });
});
