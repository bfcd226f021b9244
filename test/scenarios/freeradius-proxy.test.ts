import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FreeRadiusProxy, startFreeRadius } from '../support/freeradius.ts';
import { documentationMac, registerPerson } from '../support/people.ts';
import { radclient } from '../support/radclient.ts';
import { Service } from '../support/service.ts';

const ACCESS_POINT_SECRET = 'between-access-point-and-proxy';

describe('FreeRADIUS in front and beside', () => {
  const opened = new AsyncDisposableStack();
  let service: Service;
  let proxy: FreeRadiusProxy;

  beforeAll(async () => {
    service = opened.use(await Service.start());
    const home = { homePort: service.radiusPort, homeSecret: service.radiusSecret };
    proxy = opened.use(await startFreeRadius({ clientSecret: ACCESS_POINT_SECRET, ...home }));
  });
  afterAll(() => opened.disposeAsync());

  test('accounting through a proxy is answered through it, and checks in', async () => {
    const mac = documentationMac(1);
    await registerPerson(service.api, { id: 'proxied', mac });
    await using feed = await service.sse();
    const answer = await radclient({
      port: proxy.port,
      secret: ACCESS_POINT_SECRET,
      // What proxies on the way have added comes back to the last of them, in order (RFC 2866, section 2.3).
      attributes: {
        'Acct-Status-Type': 'Start',
        'Acct-Session-Id': 'proxied-1',
        'Calling-Station-Id': mac,
        'NAS-IP-Address': '192.0.2.1',
        'Proxy-State': '0x6f6e65',
      },
    });
    expect(answer).toMatchObject({ answered: true, code: 'Accounting-Response' });
    expect(answer.attributes['Proxy-State']).toBe('0x6f6e65');
    await feed.next('checkin.recorded', 'proxied');
    // The proxy itself saw its own Proxy-State come back and matched the answer to the question.
    expect(proxy.log).toMatch(/Received Accounting-Response Id \d+ from 127\.0\.0\.1:\d+/);
  });

  test('Status-Server of radclient is answered', async () => {
    const answer = await radclient({
      port: service.radiusPort,
      secret: service.radiusSecret,
      command: 'status',
      attributes: { 'Message-Authenticator': '0x00' },
    });
    expect(answer).toMatchObject({ answered: true, code: 'Accounting-Response' });
  });

  test('a wrong secret gets no answer at all', async () => {
    const answer = await radclient({
      port: service.radiusPort,
      secret: 'not-the-secret-at-all',
      attributes: {
        'Acct-Status-Type': 'Start',
        'Acct-Session-Id': 'forged-1',
        'Calling-Station-Id': documentationMac(2),
      },
      timeoutSeconds: 1,
    });
    expect(answer.answered).toBe(false);
    expect(answer.output).toMatch(/No reply from server/);
  });
});
