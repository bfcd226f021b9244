import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeReport } from '../../src/demo/accounting-report.ts';
import { octetsAttribute } from '../../src/protocols/radius/attribute.ts';
import { attributeType } from '../../src/protocols/radius/dictionary.ts';
import { encodeAccountingRequest } from '../../src/protocols/radius/encode-request.ts';
import { checkInsOf } from '../support/check-ins.ts';
import type { EventStream } from '../support/event-stream.ts';
import { Nas } from '../support/nas.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { parseRadiusText } from '../support/radius-text.ts';
import { Service } from '../support/service.ts';
import { UdpPeer } from '../support/udp-peer.ts';
import { UdpProxy } from '../support/udp-proxy.ts';
import { never, until } from '../support/until.ts';

const OPEN_LONG_MS = 20_000;

describe('T3: what comes more than once has one effect', () => {
  const opened = new AsyncDisposableStack();
  let service: Service;
  let feed: EventStream;
  let peer: UdpPeer;

  beforeAll(async () => {
    service = opened.use(await Service.start({ spaces: [{ id: 'main', idleTimeout: '2s' }] }));
    feed = opened.use(await service.sse());
    peer = opened.use(await UdpPeer.open({ port: service.radiusPort }));
  });
  afterAll(() => opened.disposeAsync());

  test('T3: of ten equal datagrams each is answered with the same bytes, Proxy-State included', async () => {
    const mac = documentationMac(1);
    await registerPerson(service.api, { id: 'tenfold', mac });
    const attributes = parseRadiusText(`
      Acct-Status-Type = Start
      Acct-Session-Id = "tenfold"
      Calling-Station-Id = "${mac}"
      NAS-IP-Address = 192.0.2.10
    `);
    // What proxies on the way have added comes back unchanged and in order (RFC 2865, section 5.33).
    const states = ['one', 'two'].map((text) => octetsAttribute(attributeType.proxyState, Buffer.from(text)));
    const request = {
      identifier: 7,
      attributes: [...attributes, ...states],
      secret: Buffer.from(service.radiusSecret),
    };
    const packet = encodeAccountingRequest(request);
    peer.send(packet);
    const first = await peer.next();
    expect(first.subarray(20)).toEqual(Buffer.from('\x21\x05one\x21\x05two', 'latin1'));
    for (let times = 0; times < 9; times += 1) {
      peer.send(packet);
      expect(await peer.next()).toEqual(first);
    }
    expect(await service.metric('rollcall_radius_requests_total', 'result="duplicate"')).toBe(9);
    await feed.next('checkout.recorded', 'tenfold', OPEN_LONG_MS);
    expect(await checkInsOf(service.api, 'tenfold')).toHaveLength(1);
    expect(feed.count('checkin.recorded', 'tenfold')).toBe(1);
  });

  test('T3: a visit whose every datagram comes one to ten times is the visit of a good network', async () => {
    const mac = documentationMac(2);
    await registerPerson(service.api, { id: 'multiplied', mac });
    const proxy = opened.use(await UdpProxy.open({ to: service.radiusPort, seed: 3, faults: { duplicate: 0.9 } }));
    const nas = opened.use(await Nas.open({ port: proxy.port, secret: service.radiusSecret }));
    const session = nas.session({ mac });
    const reports = [{ octets: 0 }, { octets: 100 }, { octets: 100 }, { octets: 900 }, { octets: 900 }];
    for (const [step, { octets }] of reports.entries()) {
      const report = { ...session.report(step === 0 ? 'start' : 'interim'), octets };
      const copies = Array.from({ length: 1 + ((step * 7) % 10) }, () => nas.send(report));
      await Promise.all(copies);
    }
    await session.stop();
    const { data } = await feed.next('checkout.recorded', 'multiplied', OPEN_LONG_MS);
    expect(proxy.counts.duplicated).toBeGreaterThan(10);
    expect(await checkInsOf(service.api, 'multiplied')).toHaveLength(1);
    expect(feed.count('presence.arrived', 'multiplied')).toBe(1);
    expect(data['devices']).toHaveLength(1);
  });

  test('T3: repeated under a new Identifier with Acct-Delay-Time, it tells of the time at which it happened', async () => {
    const mac = documentationMac(3);
    await registerPerson(service.api, { id: 'delayed', mac });
    const secret = Buffer.from(service.radiusSecret);
    const start = { status: 'start', mac, sessionId: 'delayed-1' } as const;
    const stop = { status: 'stop', mac, sessionId: 'delayed-1', octets: 500, durationSeconds: 1 } as const;
    const began = Date.now();
    for (let delaySeconds = 0; delaySeconds <= 4; delaySeconds += 1) {
      await until(`${delaySeconds} s have passed`, () => Date.now() - began >= delaySeconds * 1_000);
      for (const [n, report] of [start, stop].entries()) {
        peer.send(encodeReport({ ...report, delaySeconds }, 20 + delaySeconds * 2 + n, secret));
        await peer.next();
      }
    }
    // The idle timeout counts from the Stop itself and not from its last repetition.
    const { data, receivedAt } = await feed.next('checkout.recorded', 'delayed', OPEN_LONG_MS);
    expect(performance.timeOrigin + receivedAt - began).toBeLessThan(4_000);
    expect(Math.abs(Date.parse(String(data['startedAt'])) - began)).toBeLessThan(1_000);
    expect(Math.abs(Date.parse(String(data['endedAt'])) - began)).toBeLessThan(1_000);
    expect(await checkInsOf(service.api, 'delayed')).toHaveLength(1);
  });

  test('T3: a repetition whose Acct-Delay-Time has lost a fraction of a second corrects nothing', async () => {
    const mac = documentationMac(4);
    await registerPerson(service.api, { id: 'rounded', mac });
    const secret = Buffer.from(service.radiusSecret);
    const start = { status: 'start', mac, sessionId: 'rounded-1' } as const;
    const stop = { status: 'stop', mac, sessionId: 'rounded-1', octets: 500, durationSeconds: 0 } as const;
    const began = Date.now();
    for (const [identifier, report] of [start, stop].entries()) {
      peer.send(encodeReport(report, 40 + identifier, secret));
      await peer.next();
    }
    await feed.next('checkout.recorded', 'rounded', OPEN_LONG_MS);
    // Acct-Delay-Time counts whole seconds (RFC 2866, section 5.2), so the time that it leads to is late by up to one.
    const passed = await until('half of another second is over', () => {
      const ms = Date.now() - began;
      return ms % 1_000 > 500 && ms;
    });
    const delaySeconds = Math.floor(passed / 1_000);
    for (const [identifier, report] of [start, stop].entries()) {
      peer.send(encodeReport({ ...report, delaySeconds }, 42 + identifier, secret));
      await peer.next();
    }
    await never('the visit is corrected', 3_000, () => feed.count('checkin.corrected', 'rounded') > 0);
    expect(await checkInsOf(service.api, 'rounded')).toHaveLength(1);
  });
});
