/** Every model, at every speed of its sketch, with every password; in virtual time. */

import { describe, expect, test } from 'vitest';
import { models, type Model } from '../../../../src/simulator/index.ts';
import { modelFacts } from '../../../../src/simulator/models.ts';
import { meet, play } from '../../../support/virtual-push.ts';

const loops = [0, 300, 800, 1000, 1500, 2000, 4000];
const phases = [0.02, 0.25, 0.5, 0.75, 0.98];

describe.each(models)('%s', (model) => {
  describe.each(loops)('a loop of %i ms', (loopMs) => {
    test.each(['none', 'right'] as const)(
      'password: %s: it connects, and is idle when the update has failed',
      async (password) => {
        for (const phase of phases) {
          const meeting = await meet({ model, loopMs, phase, password });
          expect(await meeting.push()).toMatchObject({
            end: 'connected',
            scheme: password === 'none' ? 'none' : modelFacts[model].auth,
          });
          await meeting.settle();
          expect(meeting.device.state).toBe('idle');
        }
      },
    );

    test('a wrong password is refused by the device, and the device is idle afterwards', async () => {
      for (const phase of phases) {
        const meeting = await meet({ model, loopMs, phase, password: 'wrong' });
        expect((await meeting.push()).end).toBe('PASSWORD_WRONG');
        expect(meeting.hasDisproved()).toBe(true);
        await meeting.settle();
        expect(meeting.device.state).toBe('idle');
      }
    });

    test('taken for a device of unknown kind, it ends the same', async () => {
      for (const [password, end] of [
        ['none', 'connected'],
        ['right', 'connected'],
        ['wrong', 'PASSWORD_WRONG'],
      ] as const) {
        expect((await play({ model, loopMs, phase: 0.6, password, platform: null })).end).toBe(end);
      }
    });
  });
});

test.each([0, 300, 800, 1000, 1500, 2000])(
  'a push that follows an interrupted one, a loop of %i ms: whenever it was interrupted',
  async (loopMs) => {
    for (const model of ['esp8266', 'esp32', 'esp32-3.3.1-md5'] as const)
      for (const password of ['none', 'right'] as const)
        for (const cutMs of [1, 300, 700, 1400, 2500, 3700, 6000]) {
          const meeting = await meet({ model, loopMs, phase: 0.4, password });
          const first = await meeting.push({ cutMs });
          expect(['CANCELLED', 'connected']).toContain(first.end);
          expect(await meeting.push()).toMatchObject({ end: 'connected' });
        }
  },
);

test('a wrong password is still recognised after an interrupted push', async () => {
  for (const loopMs of [0, 1000, 1500]) {
    const meeting = await meet({ model: 'esp32', loopMs, phase: 0.4, password: 'wrong' });
    await meeting.push({ cutMs: 700 });
    expect((await meeting.push()).end).toBe('PASSWORD_WRONG');
    expect(meeting.hasDisproved()).toBe(true);
  }
});

test('an OK for an older invitation: the newer one, which waits in the queue, does not leave it waiting', async () => {
  // The round is longer than the patience with an authentication.
  const meeting = await meet({ model: 'esp32', loopMs: 9500, phase: 0.999 });
  expect(await meeting.push()).toMatchObject({ end: 'connected', attempts: 2 });
  await meeting.settle();
  expect(meeting.device.counters.invitations).toBe(2);
  expect(meeting.device.state).toBe('idle');
});

test('two pushes in a row need one invitation each, with a fast loop', async () => {
  for (const model of models) {
    const meeting = await meet({ model });
    const one = { end: 'connected', attempts: model === 'esp32-3.3.1-md5' ? 2 : 1 };
    expect(await meeting.push()).toMatchObject(one);
    await meeting.settle();
    expect(await meeting.push()).toMatchObject(one);
  }
});

describe('what a slow loop costs an ESP32', () => {
  const worstMs = async (
    loopMs: number,
    password: 'none' | 'right',
    model: Model = 'esp32',
  ): Promise<number> => {
    const took = phases.map(async (phase) => (await play({ model, loopMs, phase, password })).tookMs);
    return Math.max(...(await Promise.all(took)));
  };

  test('up to the first repeat: one round for each answer, one for the connection', async () => {
    for (const loopMs of [100, 300, 500]) {
      expect(await worstMs(loopMs, 'right')).toBeLessThan(3 * loopMs + 50);
      expect(await worstMs(loopMs, 'none')).toBeLessThan(2 * loopMs + 50);
    }
  });

  test('beyond: two rounds more for each repeat, of which there are two at most', async () => {
    for (const loopMs of [800, 1000, 1500, 2000, 3000, 4000]) {
      expect(await worstMs(loopMs, 'right')).toBeLessThan((3 + 4) * loopMs + 50);
      // Whoever asks for no password is agreed with at once.
      expect(await worstMs(loopMs, 'none')).toBeLessThan(2 * loopMs + 50);
    }
  });

  test('the second candidate adds no repeat', async () => {
    for (const loopMs of [300, 1000, 4000])
      expect(await worstMs(loopMs, 'right', 'esp32-3.3.1-md5')).toBeLessThan((3 + 4 + 4) * loopMs + 50);
  });
});
