/** The handshake with devices that have a fast loop, over links that lose, delay and double; in virtual time. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as handshakes from '../../../../src/engines/espota/handshake.ts';
import type { Model } from '../../../../src/simulator/index.ts';
import { modelFacts } from '../../../../src/simulator/models.ts';
import { meet, play, type World } from '../../../support/virtual-push.ts';

const lost =
  (way: 'in' | 'out', ...indexes: number[]): NonNullable<World['isLost']> =>
  (itsWay, index) =>
    itsWay === way && indexes.includes(index);

const protectedModels = ['esp8266', 'esp32', 'esp32-3.3.1', 'esp32-3.3.1-md5'] as const;

test('an open device agrees at the first invitation', async () => {
  expect(await play({ model: 'esp8266', password: 'none' })).toMatchObject({
    end: 'connected',
    scheme: 'none',
    attempts: 1,
  });
});

test.each(protectedModels)('%s', async (model) => {
  const ending = await play({ model, delayMs: 5 });
  expect(ending).toMatchObject({ end: 'connected', scheme: modelFacts[model].auth, roundTripMs: 10 });
  // The fallback costs a second exchange, and no waiting.
  expect(ending.attempts).toBe(model === 'esp32-3.3.1-md5' ? 2 : 1);
  expect(ending.tookMs).toBeLessThan(200);
});

test.each(['esp8266', 'esp32', 'esp32-3.3.1'] as const)('a wrong password, %s', async (model) => {
  const ending = await play({ model, password: 'wrong' });
  expect(ending.end).toBe('PASSWORD_WRONG');
  expect(ending.device.counters.authentications).toBe(model === 'esp32-3.3.1' ? 2 : 1);
  expect(ending.tookMs).toBeLessThan(100);
  // It is idle already: what makes it idle would only lie in its queue.
  expect(ending.device.counters.ignoredDatagrams).toBe(0);
});

describe('what gets lost', () => {
  test.each(['esp8266', 'esp32'] as const)('the first invitation: %s, well under a second', async (model) => {
    const ending = await play({ model, isLost: lost('in', 0) });
    expect(ending).toMatchObject({ end: 'connected', attempts: 2 });
    expect(ending.tookMs).toBeLessThan(800);
  });

  test('an ESP8266 is invited again sooner than what may be an ESP32', async () => {
    const tookMs = async (platform: World['platform']): Promise<number> =>
      (await play({ model: 'esp8266', platform: platform ?? null, isLost: lost('in', 0, 1, 2) })).tookMs;
    expect(await tookMs('esp8266')).toBeLessThan(1200);
    expect(await tookMs(null)).toBeGreaterThan(2500);
  });

  test('the AUTH: the second invitation is not swallowed', async () => {
    const ending = await play({ model: 'esp8266', isLost: lost('out', 0) });
    expect(ending).toMatchObject({ end: 'connected', scheme: 'md5', attempts: 2 });
    expect(ending.tookMs).toBeLessThan(700);
  });

  test('the authentication: it is sent again', async () => {
    const ending = await play({ model: 'esp8266', isLost: lost('in', 1) });
    expect(ending).toMatchObject({ end: 'connected', attempts: 1 });
    expect(ending.tookMs).toBeLessThan(1500);
  });

  test('the Authentication Failed: a new nonce, and then the right candidate', async () => {
    const ending = await play({ model: 'esp32-3.3.1-md5', isLost: lost('out', 1) });
    expect(ending).toMatchObject({ end: 'connected', scheme: 'sha256-md5' });
  });

  test('the Authentication Failed for a wrong password', async () => {
    const ending = await play({ model: 'esp8266', password: 'wrong', isLost: lost('out', 1) });
    expect(ending.end).toBe('PASSWORD_WRONG');
  });

  test('the OK: the connection shows it', async () => {
    expect(await play({ model: 'esp8266', isLost: lost('out', 1) })).toMatchObject({
      end: 'connected',
      scheme: 'md5',
    });
    const [asked] = handshakes.startHandshake({ nowMs: 0, pace: 'quick' });
    const [agreed] = handshakes.onConnection(asked);
    expect(handshakes.onConnection(agreed)[1]).toEqual([]);
  });

  test('everything: silent, after ten seconds', async () => {
    const ending = await play({ model: 'esp8266', isLost: () => true });
    expect(ending).toMatchObject({ end: 'DEVICE_SILENT', tookMs: 10_000 });
    expect(ending.details).not.toHaveProperty('afterChallenge');
    expect(ending.attempts).toBeGreaterThan(4);
    expect(ending.attempts).toBeLessThan(20);
  });

  test('everything, where somebody waits for an hour: it is invited all the time, and its return is seen at once', async () => {
    const silenceLimitMs = 3_600_000;
    const sinceMs = 600_000;
    let isThere = (): boolean => false;
    const meeting = await meet({ model: 'esp32', silenceLimitMs, isLost: () => !isThere() });
    isThere = () => meeting.network.now() > sinceMs;
    const ending = await meeting.push();
    expect(ending.end).toBe('connected');
    expect(ending.tookMs - sinceMs).toBeLessThan(4000);
  });

  test('everything after the AUTH', async () => {
    const ending = await play({
      model: 'esp8266',
      password: 'wrong',
      isLost: (way, index) => way === 'out' && index > 0,
    });
    expect(ending).toMatchObject({ end: 'DEVICE_SILENT', details: { afterChallenge: true } });
    expect(ending.tookMs).toBeLessThan(31_000);
  });
});

describe('what comes late or twice', () => {
  test.each(['none', 'right'] as const)('the OK of an ESP8266, a second late: %s', async (password) => {
    const ending = await play({ model: 'esp8266', password, openMs: 1050 });
    expect(ending).toMatchObject({ end: 'connected', scheme: password === 'none' ? 'none' : 'md5' });
  });

  test('the AUTH, when the device was invited again already', async () => {
    const ending = await play({
      model: 'esp8266',
      lateMs: (way, index) => (way === 'out' && index === 0 ? 450 : 0),
    });
    expect(ending).toMatchObject({ end: 'connected', scheme: 'md5' });
    expect(ending.tookMs).toBeLessThan(3000);
  });

  test.each([100, 250, 400, 700])('every datagram by %i ms each way', async (delayMs) => {
    for (const model of protectedModels) {
      const agreed = { end: 'connected', scheme: modelFacts[model].auth };
      expect(await play({ model, delayMs })).toMatchObject(agreed);
      expect(await play({ model, delayMs, password: 'none' })).toMatchObject({ ...agreed, scheme: 'none' });
      expect((await play({ model, delayMs, password: 'wrong' })).end).toBe('PASSWORD_WRONG');
    }
  });

  test.each(protectedModels)('every answer three times: %s', async (model) => {
    const world: World = { model, copies: (way) => (way === 'out' ? 3 : 1), delayMs: 20 };
    expect(await play(world)).toMatchObject({ end: 'connected', scheme: modelFacts[model].auth });
    expect((await play({ ...world, password: 'wrong' })).end).toBe('PASSWORD_WRONG');
  });

  test.each([500, 1200, 2000])('an ESP32 that computes for %i ms', async (checkMs) => {
    for (const model of ['esp32-3.3.1', 'esp32-3.3.1-md5'] as const) {
      const agreed = { end: 'connected', scheme: modelFacts[model].auth };
      expect(await play({ model, checkMs })).toMatchObject(agreed);
      expect(await play({ model, checkMs, isLost: lost('out', 0) })).toMatchObject(agreed);
      expect((await play({ model, checkMs, password: 'wrong' })).end).toBe('PASSWORD_WRONG');
      expect((await play({ model, checkMs, loopMs: 4000, password: 'wrong' })).end).toBe('PASSWORD_WRONG');
    }
  });

  test('an invitation three times: the device has another nonce than the one answered, and its failure proves nothing', async () => {
    for (const model of ['esp8266', 'esp32'] as const) {
      const ending = await play({
        model,
        delayMs: 100,
        copies: (way, index) => (way === 'in' && index === 0 ? 3 : 1),
      });
      expect(ending.device.counters.failedAuthentications).toBe(1);
      expect(ending).toMatchObject({ end: 'connected', scheme: 'md5' });
    }
  });
});

test('an invitation that is delivered after the next one: the nonce was replaced, and its failure proves nothing', async () => {
  for (const model of ['esp8266', 'esp32'] as const) {
    // The first comes when the second was answered, and takes its nonce back; the command that was to do so gets lost.
    const ending = await play({
      model,
      delayMs: 100,
      lateMs: (way, index) => (way === 'in' && index === 0 ? (model === 'esp32' ? 750 : 550) : 0),
      copies: (way, index) => (way === 'in' && index === 0 ? 2 : 1),
    });
    expect(ending).toMatchObject({ end: 'connected', scheme: 'md5' });
    expect(ending.device.counters.failedAuthentications).toBe(1);
  }
});

describe('what is no agreement', () => {
  test('an error in place of the OK', async () => {
    const ending = await play({
      model: 'esp8266',
      password: 'none',
      says: 'ERR: ERROR[4]: Not Enough Space\r\n',
    });
    expect(ending).toMatchObject({
      end: 'DEVICE_REFUSED',
      details: { answer: 'ERROR[4]: Not Enough Space' },
    });
  });

  test('another protocol: not at the first strange datagram, but soon', async () => {
    const ending = await play({ model: 'esp8266', says: 'hello' });
    expect(ending).toMatchObject({ end: 'PROTOCOL_ERROR', details: { answer: 'hello' } });
    expect(ending.attempts).toBeGreaterThan(1);
    expect(ending.tookMs).toBeLessThan(2500);
  });

  test('one strange datagram and then nothing is no silence', async () => {
    const isLost: World['isLost'] = (way, index) => way === 'out' && index > 0;
    const ending = await play({ model: 'esp8266', says: 'hello', isLost });
    expect(ending).toMatchObject({ end: 'PROTOCOL_ERROR', details: { answer: 'hello' } });
  });

  test('an Authentication Failed that nobody asked for', async () => {
    expect((await play({ model: 'esp8266', says: 'Authentication Failed' })).end).toBe('DEVICE_SILENT');
  });
});

describe('whatever the device and the link do', () => {
  const cheap = fc.constantFrom<Model>('esp8266', 'esp32', 'rp2040');
  const computing = fc.constantFrom<Model>('esp32-3.3.1', 'esp32-3.3.1-md5');
  const worldOf = (model: fc.Arbitrary<Model>): fc.Arbitrary<World> =>
    fc
      .record({
        model,
        password: fc.constantFrom('none', 'right', 'wrong' as const),
        loopMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 6000 })),
        phase: fc.double({ min: 0, max: 0.999, noNaN: true }),
        queuedDatagrams: fc.integer({ min: 1, max: 8 }),
        delayMs: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 700 })),
        openMs: fc.integer({ min: 0, max: 1100 }),
        checkMs: fc.integer({ min: 0, max: 2000 }),
        knowsPlatform: fc.boolean(),
        losses: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 31, maxLength: 31 }),
        lossOfTen: fc.integer({ min: 0, max: 5 }),
        late: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 13, maxLength: 13 }),
        lateOfTen: fc.integer({ min: 0, max: 3 }),
        copies: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 7, maxLength: 7 }),
        doubles: fc.boolean(),
      })
      .map(
        ({
          losses,
          lossOfTen,
          late,
          lateOfTen,
          copies,
          doubles,
          knowsPlatform,
          queuedDatagrams,
          ...world
        }) => {
          const at = (way: 'in' | 'out', index: number): number => index * 2 + (way === 'in' ? 0 : 1);
          const of = (values: readonly number[], way: 'in' | 'out', index: number): number =>
            values[at(way, index) % values.length] ?? 0;
          return {
            ...world,
            ...(modelFacts[world.model].link.queuedDatagrams > 0 ? { queuedDatagrams } : {}),
            ...(knowsPlatform ? {} : { platform: null }),
            isLost: (way, index) => of(losses, way, index) < lossOfTen,
            // On its way to the device no datagram is overtaken by the next invitation.
            lateMs: (way, index) =>
              of(losses, way, index + 5) < lateOfTen ? of(late, way, index) * (way === 'in' ? 0.3 : 1) : 0,
            // Doubled on the way to the device, an invitation is swallowed by its own copy: that is another test's.
            copies: (way, index) => (doubles && way === 'out' ? of(copies, way, index) : 1),
          } satisfies World;
        },
      );

  const isJustified = async (world: World): Promise<void> => {
    const { end, scheme, tookMs, hasDisproved, details } = await play(world);
    expect(['connected', 'PASSWORD_WRONG', 'DEVICE_SILENT']).toContain(end);
    if (end === 'PASSWORD_WRONG') {
      expect(world.password).toBe('wrong');
      expect(hasDisproved()).toBe(true);
    }
    if (end === 'connected') {
      expect(world.password).not.toBe('wrong');
      expect(scheme).toBe(world.password === 'none' ? 'none' : modelFacts[world.model].auth);
    }
    expect(tookMs).toBeLessThanOrEqual(
      details['afterChallenge'] === undefined && end === 'DEVICE_SILENT' ? 10_001 : 110_000,
    );
  };

  test('the end is one that its log justifies, and there is one', async () => {
    await fc.assert(fc.asyncProperty(worldOf(cheap), isJustified), { numRuns: 1500 });
  });

  test('the same where the device computes SHA-256', async () => {
    await fc.assert(fc.asyncProperty(worldOf(computing), isJustified), { numRuns: 60 });
  });

  test('where nothing is lost and a round takes at most four seconds, the end is the right one', async () => {
    const still = worldOf(cheap).map((world) => ({
      ...world,
      isLost: () => false,
      lateMs: () => 0,
      queuedDatagrams: modelFacts[world.model].link.queuedDatagrams,
      loopMs: (world.loopMs ?? 0) * (2 / 3),
      delayMs: (world.delayMs ?? 0) / 4,
    }));
    await fc.assert(
      fc.asyncProperty(still, async (world) => {
        const { end } = await play(world);
        expect(end).toBe(world.password === 'wrong' ? 'PASSWORD_WRONG' : 'connected');
      }),
      { numRuns: 500 },
    );
  });

  test('two lost datagrams do not end it', async () => {
    const twoOf = fc.uniqueArray(fc.nat(9), { minLength: 2, maxLength: 2 });
    const loop = fc.integer({ min: 0, max: 1500 });
    await fc.assert(
      fc.asyncProperty(cheap, loop, twoOf, fc.nat(150), async (model, loopMs, indexes, delayMs) => {
        const isLost: World['isLost'] = (way, index) => indexes.includes(index * 2 + (way === 'in' ? 0 : 1));
        expect((await play({ model, loopMs, delayMs, isLost })).end).toBe('connected');
        expect((await play({ model, loopMs, delayMs, isLost, password: 'wrong' })).end).toBe(
          'PASSWORD_WRONG',
        );
      }),
      { numRuns: 300 },
    );
  });
});
