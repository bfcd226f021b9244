import { setTimeout as delay } from 'node:timers/promises';
import { systemClock, type Clock } from '../runtime/clock.ts';
import { UserError } from '../runtime/user-error.ts';
import { createCast, type Cast } from './cast.ts';
import { CLOSES_AT, OPENS_AT, planDay } from './day.ts';
import { followEvents } from './feed.ts';
import { Narrator } from './narrator.ts';
import { playDay } from './play-day.ts';
import { Radio } from './radio.ts';
import { createRandom } from './random.ts';
import { createScreen, type Output, type Screen } from './screen.ts';
import type { DayClock } from './time-of-day.ts';
import { VenueService } from './venue-service.ts';

export type DemoOptions = {
  /** How many times faster than life the venue's day passes. */
  readonly speed: number;
  readonly output: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the demo. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
};

const SPACE = 'venue';
const IDLE_TIMEOUT_MS = 15 * 60_000;
const SETTLE_MS = 2 * 60_000;
/** Real milliseconds between two days: long enough to see that everybody has left. */
const NIGHT_MS = 3_000;
/** The service keeps time for real, so its idle timeout shrinks with the day; and one second is the least it takes. */
const FASTEST = 600;

/** Runs a simulated venue against a real service until told to stop. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { speed, output, env, signal, clock = systemClock } = options;
  if (!(speed >= 1 && speed <= FASTEST)) throw new UserError(`--speed must lie between 1 and ${FASTEST}, not ${speed}`);
  const screen = createScreen(output, env);
  try {
    await using stack = new AsyncDisposableStack();
    screen.status('Starting a Rollcall of its own …');
    const service = stack.use(await VenueService.start(spaceSection(speed), signal));
    const cast = createCast();
    await registerMembers(service, cast);
    const radio = stack.use(await Radio.open(service.radiusPort, service.radiusSecret));
    introduce(screen, service, cast, speed);
    await live({ service, radio, cast, screen, clock, speed, signal });
  } catch (error) {
    // Ctrl-C interrupts whatever was being waited for; that is how the demo is meant to end.
    if (!signal.aborted) throw error;
  } finally {
    screen.end();
  }
  sayGoodbye(screen);
}

function spaceSection(speed: number): Readonly<Record<string, unknown>> {
  const milliseconds = (ms: number) => `${Math.max(1_000, Math.round(ms / speed))}ms`;
  return { id: SPACE, name: 'The venue', idleTimeout: milliseconds(IDLE_TIMEOUT_MS), settle: milliseconds(SETTLE_MS) };
}

async function registerMembers(service: VenueService, cast: Cast): Promise<void> {
  for (const member of cast.members) {
    await service.call('PUT', `/v1/customers/${member.id}`, {
      name: member.name,
      identities: member.devices.flatMap(({ userName }) => userName ?? []),
    });
    if (member.hasPass) await service.call('POST', `/v1/customers/${member.id}/passes`, { kind: 'unlimited' });
    for (const device of member.devices)
      await service.call('PUT', `/v1/devices/${device.mac}`, {
        customerId: member.id,
        name: device.name,
        class: device.class,
      });
  }
}

type Stage = {
  readonly service: VenueService;
  readonly radio: Radio;
  readonly cast: Cast;
  readonly screen: Screen;
  readonly clock: Clock;
  readonly speed: number;
  readonly signal: AbortSignal;
};

/** Day after day. The feed is followed all the while, since the last ones are found to have left after the day is over. */
async function live(stage: Stage): Promise<void> {
  const { service, radio, cast, screen, clock, speed, signal } = stage;
  const narrator = new Narrator(screen, cast);
  const over = new AbortController();
  const following = AbortSignal.any([signal, over.signal]);
  const narrating = narrate(service, narrator, clock, following);
  try {
    for (let number = 1; !signal.aborted; number += 1) {
      const day: DayClock = { beganAt: clock.now(), opensAt: OPENS_AT, speed };
      narrator.openDay(number, day);
      const reports = planDay(cast, createRandom(number));
      await playDay({
        reports,
        day,
        until: CLOSES_AT,
        radio,
        clock,
        signal,
        onTick: () => tick(service, radio, narrator, clock),
      });
      await delay(NIGHT_MS, undefined, { signal });
    }
  } finally {
    over.abort();
    await narrating;
  }
}

async function narrate(service: VenueService, narrator: Narrator, clock: Clock, signal: AbortSignal): Promise<void> {
  for await (const event of followEvents(service.httpUrl, service.token, signal)) narrator.tell(event, clock.now());
}

type Listing = { readonly items: readonly unknown[] };

/** The line at the bottom: what the service says of the venue at this moment. */
async function tick(service: VenueService, radio: Radio, narrator: Narrator, clock: Clock): Promise<void> {
  if (service.ended) throw new UserError(`the demo's Rollcall ended; it said: ${service.log.trim() || 'nothing'}`);
  const present = await service.call<Listing>('GET', `/v1/presence?spaceId=${SPACE}&limit=500`);
  const unknown = await service.call<Listing>('GET', `/v1/devices/unregistered?spaceId=${SPACE}&limit=500`);
  narrator.summarize(
    { present: present.items.length, unknown: unknown.items.length, packets: radio.acknowledged },
    clock.now(),
  );
}

function introduce(screen: Screen, service: VenueService, cast: Cast, speed: number): void {
  const devices = cast.members.reduce((sum, member) => sum + member.devices.length, 0);
  screen.line(screen.paint('strong', 'A day at a venue, on a real Rollcall'));
  screen.line(
    `${cast.members.length} members with ${devices} devices, and strangers. Four access points send real RADIUS accounting`,
  );
  screen.line(
    `to 127.0.0.1:${service.radiusPort}. A minute of the day takes ${formatSeconds(60 / speed)}. Ctrl-C ends it.`,
  );
  screen.line(screen.paint('quiet', `Look for yourself: curl -H 'Authorization: Bearer ${service.token}' \\`));
  screen.line(screen.paint('quiet', `  '${service.httpUrl}/v1/presence?spaceId=${SPACE}'`));
  screen.line('');
}

function formatSeconds(seconds: number): string {
  return seconds >= 1 ? `${Math.round(seconds * 10) / 10} s` : `${Math.round(seconds * 1_000)} ms`;
}

function sayGoodbye(screen: Screen): void {
  screen.line('');
  screen.line('That was the demo; nothing of it is left behind. To go on with real people:');
  screen.line('  npm start          serves your own space, and prints what to type into an access point');
  screen.line('  README.md          says which gear works, and how to connect it');
}
