/**
 * A process that keeps images of `hall` in the folder `argv[2]`, one at most: `argv[3]` of them, made from `argv[4]` on. It says
 * `ready`, waits for a line, and says `lost …` for each that could not be kept.
 */

import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { keepImage } from '../../src/deploy/history/images.ts';
import { keyOf } from '../../src/deploy/history/record.ts';
import { readImage } from '../../src/image/index.ts';
import { imageFile } from './image-file.ts';

const [folder = '', count = '0', first = '0'] = process.argv.slice(2);
const say = (text: string): void => void writeSync(1, `${text}\n`);
const place = { folder, modes: { folder: 0o700, file: 0o600 }, user: 'me', computer: 'here' };
const { signal } = new AbortController();
const images = [];
for (let seed = Number(first); seed < Number(first) + Number(count); seed += 1) {
  const name = `${seed}.bin`;
  await imageFile(join(folder, '..'), { sizeBytes: 4096, seed, name });
  images.push(await readImage({ path: join(folder, '..', name), tool: 'file' }, { signal }));
}
say('ready');
await once(process.stdin, 'data');
for (const image of images) {
  await keepImage(place, { image, device: keyOf({ host: `h${first}` }) }, { count: 1, bytes: 1e9 }).catch(
    (error: unknown) => say(`lost ${String(error)}`),
  );
}
say('end');
process.stdin.destroy();
