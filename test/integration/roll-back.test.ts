/** The way back within a run, for who pushes an image that does not run. */

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ReadyImage } from '../../src/deploy/push-types.ts';
import { openHistory } from '../../src/deploy/history/history.ts';
import { keepImage } from '../../src/deploy/history/images.ts';
import { keyOf, recordedImageOf } from '../../src/deploy/history/record.ts';
import { rollBack } from '../../src/deploy/go-back.ts';
import { readImage } from '../../src/image/index.ts';
import type { EventBody } from '../../src/model/events.ts';
import { imageFile } from '../support/image-file.ts';
import { proven, recordOf } from '../support/history-records.ts';
import { tempDir } from '../support/temp-dir.ts';

const { signal } = new AbortController();
const hall = { name: 'hall', host: 'hall' };

async function setUp(device: { name: string; host: string } = hall) {
  const folder = await tempDir();
  const place = { folder, modes: { folder: 0o700, file: 0o600 }, user: 'me', computer: 'here' };
  const history = openHistory({ place, onLoss: (message) => expect.fail(message) });
  await imageFile(folder);
  const image = await readImage({ path: join(folder, 'firmware.bin'), tool: 'file' }, { signal });
  await keepImage(place, { image, device: keyOf(device) });
  const events: EventBody[] = [];
  const pushed: ReadyImage[] = [];
  const goBack = () =>
    rollBack({
      device,
      history,
      kind: 'firmware',
      tell: (event) => events.push(event),
      signal,
      push: async (coming) => {
        pushed.push(await coming);
        return { type: 'skipped', reason: 'only noted' };
      },
    });
  return { history, image, events, pushed, goBack };
}

const crashing = { outcome: 'failed', stage: 'verify', code: 'OLD_IMAGE_RUNS' } as const;

describe('the way back within a run', () => {
  it('pushes the last proven image, and says which', async () => {
    const { history, image, events, pushed, goBack } = await setUp();
    history.append(recordOf({ ...proven, image: recordedImageOf(image) }));
    history.append(recordOf({ text: 'new', ...crashing }));
    expect(await goBack()).toMatchObject({ type: 'skipped' });
    expect(pushed.map((each) => each.image.sha256)).toEqual([image.sha256]);
    expect(events.map(({ type }) => type)).toEqual(['log', 'image-ready']);
  });

  it.each(['lamp.example.com', '192.0.2.9'])(
    'asks for the port where several of %s have taken images',
    async (host) => {
      const { history, image, events, pushed, goBack } = await setUp({ name: 'lamp', host });
      const of = (port: number) => ({ device: { name: 'lamp', host, port } });
      history.append(recordOf({ ...proven, ...of(8266), image: recordedImageOf(image) }));
      history.append(recordOf({ text: 'new', ...crashing, ...of(8266) }));
      // Nothing was sent there: a typing mistake.
      history.append(recordOf({ text: 'new', outcome: 'failed', stage: 'push', ...of(8267) }));
      expect(await goBack()).toBeDefined();
      history.append(recordOf({ text: 'other', ...of(8268) }));
      expect(await goBack()).toBeUndefined();
      expect(events.at(-1)).toMatchObject({
        message: expect.stringContaining(`several ports of ${host}: 8266, 8268`),
      });
      expect(pushed).toHaveLength(1);
    },
  );

  it('ends with a warning where there is none', async () => {
    const { history, events, pushed, goBack } = await setUp();
    history.append(recordOf({ text: 'new', ...crashing }));
    expect(await goBack()).toBeUndefined();
    expect(events).toMatchObject(
      [{ type: 'log', level: 'warn', message: /^no rollback: hall: no image/ }].map(
        ({ message, ...rest }) => ({ ...rest, message: expect.stringMatching(message) }),
      ),
    );
    expect(pushed).toEqual([]);
  });
});
