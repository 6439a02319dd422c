/** What is recorded of a push, and when. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/deploy/push-types.ts';
import { openHistory } from '../../src/deploy/history/history.ts';
import { keyOf, type HistoryRecord } from '../../src/deploy/history/record.ts';
import { recordPush, type SourceQuestion } from '../../src/deploy/history/recorder.ts';
import { readImage } from '../../src/image/index.ts';
import { OtaError } from '../../src/model/errors.ts';
import type { EventBody } from '../../src/model/events.ts';
import type { Image } from '../../src/model/types.ts';
import type { Verification } from '../../src/model/verification.ts';
import { imageFile } from '../support/image-file.ts';
import { tempDir } from '../support/temp-dir.ts';

const { signal } = new AbortController();
const device = { name: 'hall', host: 'hall' };
const where = { address: '192.0.2.7', port: 8266 };
const located: EventBody = { type: 'device-located', name: 'hall', ...where, via: 'config' };
const connected: EventBody = { type: 'connected', address: where.address };
const counted: EventBody = { type: 'progress', acknowledgedBytes: 1, totalBytes: 2, bytesPerSecond: 1 };
const accepted: EventBody = { type: 'accepted', durationMs: 1, sizeBytes: 1, sentBytes: 1, countedBytes: 1 };
const verification: Verification = {
  type: 'verified',
  method: 'announce',
  proof: 'says so itself',
  version: '1.2.3',
  afterMs: 1,
};
const verified: EventBody = { type: 'verified', method: 'announce', proof: 'says so itself' };
const deployed: Outcome = {
  type: 'deployed',
  receipt: { durationMs: 1, sizeBytes: 1, sentBytes: 1, countedBytes: 1 },
  verification,
};

async function setUp({ source, change }: { source?: SourceQuestion; change?: Partial<Image> } = {}) {
  const folder = await tempDir();
  const losses: string[] = [];
  const place = { folder, modes: { folder: 0o700, file: 0o600 }, user: 'me', computer: 'here' };
  const history = openHistory({ place, onLoss: (message) => losses.push(message) });
  await imageFile(folder);
  const read = await readImage({ path: join(folder, 'firmware.bin'), tool: 'file' }, { signal });
  const image = Object.defineProperties(
    { ...read },
    Object.getOwnPropertyDescriptors(change ?? {}),
  ) as typeof read;
  const recorder = recordPush({ device, history, ...(source && { source }) });
  await recorder.follow(Promise.resolve({ image }));
  const hear = recorder.hear(() => {});
  const records = (): readonly HistoryRecord[] => history.of(keyOf(device));
  return { recorder, hear, history, image, losses, records };
}

describe('the record of a push', () => {
  it('has its verdict while the lock is still held: when the event of it is heard', async () => {
    const { hear, history, image, records, recorder } = await setUp();
    const sinceMs = Date.now();
    for (const event of [located, connected, counted, accepted]) hear(event);
    expect(history.pushedSince(where, sinceMs)).toBeUndefined();
    recorder.note({ verification, offersProof: true });
    hear(verified);
    expect(history.pushedSince(where, sinceMs)).toBe(image.md5);
    await recorder.ended(deployed);
    expect(records()).toMatchObject([
      { outcome: 'deployed', proof: verification, version: '1.2.3', sums: expect.any(Array) },
    ]);
  });

  it('says whether the device had connected, and so may have stored a part', async () => {
    const error = new OtaError('DEVICE_SILENT', 'No answer.');
    const failed: Outcome = { type: 'failed', stage: 'push', error };
    const before = await setUp();
    before.hear(located);
    await before.recorder.ended(failed);
    expect(before.records()).toMatchObject([{ outcome: 'failed', code: 'DEVICE_SILENT' }]);
    expect(before.records()[0]?.hasConnected).toBeUndefined();
    const after = await setUp();
    for (const event of [located, connected]) after.hear(event);
    await after.recorder.ended(failed);
    expect(after.records()).toMatchObject([{ outcome: 'failed', hasConnected: true }]);
  });

  it('does not wait for a git that hangs: has what is known when that is stopped', async () => {
    let stop = (): void => {};
    const commit = 'a'.repeat(40);
    const answer = new Promise<HistoryRecord['source']>((resolve) => {
      stop = () => resolve({ commit });
    });
    const { hear, recorder, records } = await setUp({ source: { ask: () => answer, stop: () => stop() } });
    for (const event of [located, connected, counted, accepted, verified]) hear(event);
    await recorder.ended(deployed);
    expect(records()).toMatchObject([{ outcome: 'deployed', source: { commit } }]);
  });

  it('is written without what cannot be had: sums, sources, the image', async () => {
    const broken = (): never => {
      throw new Error('The files of this otarc are gone.');
    };
    const { hear, recorder, records, losses } = await setUp({
      source: { ask: () => Promise.reject(new Error('Gone.')), stop: () => {} },
      change: {
        get bytes(): never {
          return broken();
        },
      },
    });
    for (const event of [located, connected, counted, accepted]) hear(event);
    recorder.note({ verification, offersProof: true });
    hear(verified);
    await recorder.ended(deployed);
    expect(records()).toMatchObject([{ outcome: 'deployed', durations: { pushMs: 1 } }]);
    expect(records()[0]?.sums).toBeUndefined();
    expect(losses).toEqual([expect.stringContaining('The files of this otarc are gone.')]);
  });
});
