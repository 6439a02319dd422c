import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as handshakes from '../../../../src/engines/espota/handshake.ts';
import { play, type World } from './device-model.ts';

const lost =
  (way: 'in' | 'out', ...indexes: number[]): NonNullable<World['isLost']> =>
  (itsWay, index) =>
    itsWay === way && indexes.includes(index);

test('an open device agrees at the first invitation', () => {
  expect(play({ accepts: 'none' })).toMatchObject({
    action: { type: 'agreed' },
    scheme: 'none',
    invitations: 1,
    attempts: 1,
  });
});

test.each(['md5', 'sha256', 'sha256-md5'] as const)('%s', (accepts) => {
  const ending = play({ accepts });
  expect(ending).toMatchObject({ action: { type: 'agreed' }, scheme: accepts, roundTripMs: 10 });
  // The fallback costs a second exchange, and no waiting.
  expect(ending.invitations).toBe(accepts === 'sha256-md5' ? 2 : 1);
  expect(ending.atMs).toBeLessThan(100);
});

test.each([32, 64] as const)('a wrong password, nonce of %i digits', (nonceLength) => {
  const ending = play({ accepts: 'never', nonceLength });
  expect(ending.action.type).toBe('password-wrong');
  expect(ending.authentications).toBe(nonceLength / 32);
  expect(ending.atMs).toBeLessThan(100);
});

describe('what gets lost', () => {
  test('the first invitation: well under a second', () => {
    const ending = play({ accepts: 'md5', isLost: lost('in', 0) });
    expect(ending.action.type).toBe('agreed');
    expect(ending.atMs).toBeLessThan(700);
  });

  test('the AUTH: the swallowed invitation and the one after it are one try', () => {
    const ending = play({ accepts: 'md5', isLost: lost('out', 0) });
    expect(ending).toMatchObject({ action: { type: 'agreed' }, scheme: 'md5', invitations: 3, attempts: 2 });
    expect(ending.atMs).toBeLessThan(1000);
  });

  test('the authentication: it is sent again', () => {
    const ending = play({ accepts: 'md5', isLost: lost('in', 1) });
    expect(ending).toMatchObject({ action: { type: 'agreed' }, invitations: 1 });
    expect(ending.atMs).toBeLessThan(1500);
  });

  test('the Authentication Failed: a new nonce, and then the right candidate', () => {
    const ending = play({ accepts: 'sha256-md5', isLost: lost('out', 1) });
    expect(ending).toMatchObject({ action: { type: 'agreed' }, scheme: 'sha256-md5' });
  });

  test('the Authentication Failed for a wrong password', () => {
    expect(play({ accepts: 'never', isLost: lost('out', 1) }).action.type).toBe('password-wrong');
  });

  test('the OK: the connection tells', () => {
    const [asked] = handshakes.startHandshake(0);
    const [agreed, actions] = handshakes.onConnection(asked);
    expect([agreed.phase, actions]).toEqual(['agreed', [{ type: 'agreed' }]]);
    expect(handshakes.onConnection(agreed)[1]).toEqual([]);
  });

  test('everything: silent, after ten seconds', () => {
    const ending = play({ accepts: 'md5', isLost: () => true });
    expect(ending.action).toEqual({ type: 'silent', afterChallenge: false });
    expect(ending.atMs).toBeGreaterThanOrEqual(10_000);
    expect(ending.atMs).toBeLessThan(10_100);
    expect(ending.attempts).toBeGreaterThan(4);
    expect(ending.attempts).toBeLessThan(20);
  });

  test('everything after the AUTH', () => {
    const ending = play({ accepts: 'md5', isLost: (way, index) => way === 'out' && index > 0 });
    expect(ending.action).toEqual({ type: 'silent', afterChallenge: true });
    expect(ending.atMs).toBeLessThan(31_000);
  });
});

describe('what comes late or twice', () => {
  test('the OK of an ESP8266, a second after the authentication', () => {
    const ending = play({ accepts: 'md5', openMs: 1050 });
    expect(ending).toMatchObject({ action: { type: 'agreed' }, scheme: 'md5', invitations: 1 });
  });

  test('the OK of an open ESP8266, a second after the invitation', () => {
    const ending = play({ accepts: 'none', openMs: 1050 });
    expect(ending).toMatchObject({ action: { type: 'agreed' }, scheme: 'none' });
  });

  test('the AUTH, when the device was told again already', () => {
    const ending = play({ accepts: 'md5', lateMs: (index) => (index === 0 ? 450 : 0) });
    expect(ending).toMatchObject({ action: { type: 'agreed' }, scheme: 'md5' });
    expect(ending.atMs).toBeLessThan(3000);
  });

  test.each([100, 250, 400, 700])('every datagram by %i ms each way', (delayMs) => {
    for (const accepts of ['none', 'md5', 'sha256', 'sha256-md5'] as const) {
      expect(play({ accepts, delayMs })).toMatchObject({ action: { type: 'agreed' }, scheme: accepts });
    }
    expect(play({ accepts: 'never', delayMs }).action.type).toBe('password-wrong');
  });

  test.each(['none', 'md5', 'sha256', 'sha256-md5'] as const)('every datagram twice: %s', (accepts) => {
    expect(play({ accepts, copies: 2, delayMs: 20 })).toMatchObject({
      action: { type: 'agreed' },
      scheme: accepts,
    });
  });

  test.each([500, 1200, 2000])('an ESP32 that computes for %i ms', (checkMs) => {
    for (const accepts of ['sha256', 'sha256-md5'] as const) {
      expect(play({ accepts, checkMs })).toMatchObject({ action: { type: 'agreed' }, scheme: accepts });
      const isLost = lost('out', 0);
      expect(play({ accepts, checkMs, isLost })).toMatchObject({
        action: { type: 'agreed' },
        scheme: accepts,
      });
    }
    expect(play({ accepts: 'never', nonceLength: 64, checkMs }).action.type).toBe('password-wrong');
  });
});

describe('what is no agreement', () => {
  test('an error in place of the OK', () => {
    expect(play({ accepts: 'none', says: 'ERR: ERROR[4]: Not Enough Space\r\n' }).action).toEqual({
      type: 'refused',
      text: 'ERROR[4]: Not Enough Space',
      number: 4,
    });
  });

  test('another protocol: not at the first strange datagram, but soon', () => {
    const ending = play({ accepts: 'none', says: 'hello' });
    expect(ending.action).toEqual({ type: 'no-protocol', text: 'hello' });
    expect(ending.invitations).toBeGreaterThan(1);
    expect(ending.atMs).toBeLessThan(2000);
  });

  test('one strange datagram and then nothing is no silence', () => {
    const ending = play({
      accepts: 'none',
      says: 'hello',
      isLost: (way, index) => way === 'out' && index > 0,
    });
    expect(ending.action).toEqual({ type: 'no-protocol', text: 'hello' });
  });

  test('an Authentication Failed that nobody asked for', () => {
    expect(play({ accepts: 'none', says: 'Authentication Failed' }).action.type).toBe('silent');
  });
});

describe('on a bad link', () => {
  const world = fc.record({
    losses: fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
    // A duplicate comes sooner than the next answer can.
    delayMs: fc.integer({ min: 10, max: 150 }),
    copies: fc.integer({ min: 1, max: 2 }),
    openMs: fc.integer({ min: 0, max: 1100 }),
  });
  const onLink = ({ losses, ...link }: { losses: boolean[] } & Partial<World>): Omit<World, 'accepts'> => ({
    ...link,
    isLost: (way, index) => losses[(index * 2 + (way === 'in' ? 0 : 1)) % losses.length] === true,
  });

  test('the right password is never called wrong', () => {
    const right = fc.constantFrom('none', 'md5', 'sha256', 'sha256-md5' as const);
    fc.assert(
      fc.property(right, world, (accepts, link) => {
        const { action, scheme } = play({ ...onLink(link), accepts });
        expect(['agreed', 'silent']).toContain(action.type);
        if (action.type === 'agreed') expect(scheme).toBe(accepts);
      }),
      { numRuns: 1000 },
    );
  });

  test('a wrong one is never called right', () => {
    fc.assert(
      fc.property(fc.constantFrom(32, 64 as const), world, (nonceLength, link) => {
        const { action } = play({ ...onLink(link), accepts: 'never', nonceLength });
        expect(['password-wrong', 'silent']).toContain(action.type);
      }),
      { numRuns: 500 },
    );
  });

  test('two lost datagrams do not end it', () => {
    const right = fc.constantFrom('none', 'md5', 'sha256', 'sha256-md5' as const);
    const twoOf = fc.uniqueArray(fc.nat(7), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(right, twoOf, fc.integer({ min: 0, max: 150 }), (accepts, indexes, delayMs) => {
        const isLost: NonNullable<World['isLost']> = (way, index) =>
          indexes.includes(index * 2 + (way === 'in' ? 0 : 1));
        const ending = play({ accepts, delayMs, isLost });
        // A device says its OK once: when that is lost, its connection tells, and that is not played here.
        if (ending.action.type === 'silent') expect(ending.agreed).toBe(true);
        else expect(ending).toMatchObject({ action: { type: 'agreed' }, scheme: accepts });
      }),
      { numRuns: 300 },
    );
  });
});
