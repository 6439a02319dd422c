/** Progress that a person sees, and what it costs, on hosts that are late: in virtual time, so on no computer's own. */

import { describe, expect, test } from 'vitest';
import type { Model } from '../../../../src/simulator/models.ts';
import { perfectMs, play, type Host, type Played, type Scene, type Step } from './transfer-model.ts';

const sizeBytes = 409_600;
const roundTripsMs = [0, 2, 5, 10, 20, 35, 50, 75, 100];
const devices: readonly (readonly [Model, number])[] = [
  ['esp8266', 2144],
  ['esp8266', 5840],
  ['esp32', 5744],
  ['rp2040', 11_680],
];

/** The same pseudo-random numbers in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

const pauseMs = 300;
const betweenPausesMs = 1700;

interface HostKind {
  readonly name: string;
  readonly host: () => Host;
}
const prompt: HostKind = { name: 'prompt', host: () => () => 0 };
const late: readonly HostKind[] = [
  { name: 'slow: 4 ms late', host: () => () => 4 },
  { name: 'slow: 8 ms late', host: () => () => 8 },
  ...[1, 2, 3, 4, 5, 6].flatMap((seed) =>
    [4, 8].map((meanMs) => ({
      name: `busy: ${meanMs} ms late on average, up to ten times that (${seed})`,
      host: (): Host => {
        const next = random(seed * 7919);
        return () => Math.min(10 * meanMs, -meanMs * Math.log(1 - next()));
      },
    })),
  ),
];
const pausing: readonly HostKind[] = [0, 300, 600, 900, 1200, 1500].map((firstMs) => ({
  name: `paused for ${pauseMs} ms every ${betweenPausesMs} ms, at ${firstMs} ms first`,
  host: () => (dueMs) => {
    const sinceMs = (dueMs - firstMs + 10 * betweenPausesMs) % betweenPausesMs;
    return sinceMs < pauseMs ? pauseMs - sinceMs : 0;
  },
}));

const scenesOf = ({ host }: HostKind): readonly (() => Scene)[] =>
  devices.flatMap(([model, windowBytes]) =>
    roundTripsMs.map((roundTripMs) => () => ({
      model,
      sizeBytes,
      link: { roundTripMs, windowBytes },
      host: host(),
    })),
  );

const textOf = ({ model, link }: Scene): string =>
  `${model}, window ${link?.windowBytes}, round trip ${link?.roundTripMs} ms`;

/** Seconds of its own time that a person waits for a step, or tenths of the image that it covers, whichever is less. */
function longestWait({ steps, tookMs, lateMs }: Played): number {
  const start: Step = { atMs: 0, lateMs: 0, acknowledgedBytes: 0 };
  const end: Step = { atMs: tookMs, lateMs, acknowledgedBytes: sizeBytes };
  // The device's own second before its verdict is no wait for a step.
  const shown = steps.at(-1)?.acknowledgedBytes === sizeBytes ? steps : [...steps, end];
  return Math.max(
    ...shown.map((step, index) => {
      const before = shown[index - 1] ?? start;
      const seconds = (step.atMs - before.atMs - (step.lateMs - before.lateMs)) / 1000;
      return Math.min(seconds, (step.acknowledgedBytes - before.acknowledgedBytes) / (sizeBytes / 10));
    }),
  );
}

describe.each([prompt, ...late, ...pausing])('on a host that is $name', (kind) => {
  test('a step of progress comes every second, or every tenth of the image', async () => {
    for (const scene of scenesOf(kind)) {
      const played = await play(scene());
      const text = textOf(scene());
      expect(played.end, text).toMatchObject({ type: 'accepted', sentBytes: sizeBytes });
      const counts = played.steps.map(({ acknowledgedBytes }) => acknowledgedBytes);
      expect(counts, text).toEqual([...new Set(counts)].sort((one, other) => one - other));
      expect(longestWait(played), text).toBeLessThanOrEqual(1.02);
    }
  });
});

describe('the cost over a sender that hands over everything at once', () => {
  const costOf = async (scene: () => Scene): Promise<{ cost: number; played: Played; perfect: number }> => {
    const played = await play(scene());
    const perfect = perfectMs(scene());
    return { cost: played.tookMs - perfect, played, perfect };
  };

  test('is at most 2 % on a host that is prompt', async () => {
    for (const scene of scenesOf(prompt)) {
      const { cost, perfect } = await costOf(scene);
      expect(cost / perfect, textOf(scene())).toBeLessThanOrEqual(0.02);
    }
  });

  test.each(late)(
    'is at most 2.5 %, and what the host is late itself, on a host that is $name',
    async (kind) => {
      for (const scene of scenesOf(kind)) {
        const { cost, perfect, played } = await costOf(scene);
        expect(cost, textOf(scene())).toBeLessThanOrEqual(0.025 * perfect + 1.1 * played.lateMs);
      }
    },
  );

  test.each(pausing)('is at most 2 %, and the pauses themselves, on a host that is $name', async (kind) => {
    for (const scene of scenesOf(kind)) {
      const { cost, perfect, played } = await costOf(scene);
      const pauses = Math.ceil(played.tookMs / betweenPausesMs);
      expect(cost, textOf(scene())).toBeLessThanOrEqual(0.02 * perfect + pauses * pauseMs);
    }
  });
});

test('a first round trip that a busy host has measured too long costs no step', async () => {
  for (const roundTripMs of [0, 2, 20, 100]) {
    for (const invitationMs of [200, 1000, 5000]) {
      const scene: Scene = {
        model: 'esp8266',
        sizeBytes,
        link: { roundTripMs, windowBytes: 5840 },
        invitationMs,
      };
      const played = await play(scene);
      expect(longestWait(played)).toBeLessThanOrEqual(1);
      expect(played.tookMs).toBeLessThanOrEqual(1.02 * perfectMs(scene));
    }
  }
});

describe.each([20, 30, 80, 150])('a flash that takes %i ms a sector', (msPerSector) => {
  test('the same steps, for at most 2.5 %', async () => {
    for (const scene of scenesOf(prompt)) {
      const played = await play({ ...scene(), msPerSector });
      const text = textOf(scene());
      expect(longestWait(played), text).toBeLessThanOrEqual(1.02);
      expect(played.tookMs, text).toBeLessThanOrEqual(1.025 * perfectMs({ ...scene(), msPerSector }));
    }
  });
});
