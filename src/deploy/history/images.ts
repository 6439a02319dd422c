/**
 * Images that were proven to run, to go back to. They hold the Wi-Fi password of their sketch: nobody else may read them.
 *
 *   images/<md5>.<sha256>/image.bin     the bytes
 *                        /facts.json    what the build knew of them, and the bytes do not say
 *                        /for-<device>  its time is when the device last proved to run it
 *
 * A folder is written under another name and renamed: it is there whole, or not at all. A device's mark is a file of its own, so
 * that two otarc can each set one at the same time.
 */

import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readImage } from '../../image/read.ts';
import { OtaError } from '../../model/errors.ts';
import { withoutUndefined } from '../../model/without-undefined.ts';
import type { ReadyImage } from '../push-types.ts';
import { grant, namesIn, makeFolder, type Modes } from './journal.ts';
import { readFacts, type Facts } from './facts.ts';
import { fileNameOf, type HistoryPlace } from './place.ts';
import type { DeviceKey, RecordedImage } from './record.ts';

/** Two of them make a device able to go back; the rest is for a person with `--to`. */
export interface ImageLimits {
  readonly count: number;
  readonly bytes: number;
}

const usualLimits: ImageLimits = { count: 60, bytes: 256 * 1024 * 1024 };
/** A writer that takes longer was ended. */
const abandonedMs = 60 * 60 * 1000;

type Digests = Pick<RecordedImage, 'md5' | 'sha256'>;

const folderName = ({ md5, sha256 }: Digests): string => `${md5}.${sha256}`;
const imagesIn = ({ folder }: HistoryPlace): string => join(folder, 'images');
const markOf = ({ host, port }: DeviceKey): string => `for-${fileNameOf(`${host} ${port ?? ''}`)}`;

/**
 * Keeps the image that this device has proven to run, and forgets the oldest ones above the limits.
 *
 * @throws what the file system says
 */
export async function keepImage(
  place: HistoryPlace,
  { image, partitions, device }: ReadyImage & { readonly device: DeviceKey },
  limits: ImageLimits = usualLimits,
): Promise<void> {
  const images = imagesIn(place);
  makeFolder(images, place.modes);
  const folder = join(images, folderName(image));
  // Another otarc may forget it between the two.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (!isThere(join(folder, 'image.bin'))) await write(folder, { image, partitions, modes: place.modes });
    if (mark(join(folder, markOf(device)), place.modes)) break;
  }
  forget(images, limits);
}

/** Whether the image is kept, whole or not. */
export function hasImage(place: HistoryPlace, digests: Digests): boolean {
  return isThere(join(imagesIn(place), folderName(digests), 'image.bin'));
}

/**
 * An image that was kept, read and checked as any other.
 *
 * @throws {OtaError} `IMAGE_NOT_FOUND` where it is not kept, `IMAGE_CORRUPT` where it is not the one that was kept
 */
export async function keptImage(
  place: HistoryPlace,
  digests: Digests,
  signal: AbortSignal,
): Promise<ReadyImage> {
  const folder = join(imagesIn(place), folderName(digests));
  const path = join(folder, 'image.bin');
  const facts = factsIn(folder);
  const { kind, platform, partitions } = facts;
  const artifact = withoutUndefined({ path, kind, platform, tool: 'file' as const });
  const image = await readImage(artifact, { signal });
  if (image.sha256 !== digests.sha256) {
    throw new OtaError(
      'IMAGE_CORRUPT',
      `${path} is not the image that was kept there: its checksum differs.`,
      {
        hint: 'Delete that folder, and choose another image with `--to`.',
        details: { path },
      },
    );
  }
  return withoutUndefined({ image, partitions });
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Without them the image is read as any file that is named. */
function factsIn(folder: string): Facts {
  try {
    const facts: unknown = JSON.parse(readFileSync(join(folder, 'facts.json'), 'utf8'));
    return readFacts(facts);
  } catch {
    return {};
  }
}

interface Kept extends ReadyImage {
  readonly modes: Modes;
}

async function write(folder: string, { image, partitions, modes }: Kept): Promise<void> {
  const draft = join(folder, '..', `.draft-${randomUUID()}`);
  try {
    makeFolder(draft, modes);
    await writeWhole(join(draft, 'image.bin'), image.bytes, modes);
    const { kind, platform } = image;
    const facts = JSON.stringify(withoutUndefined({ kind, platform, partitions }));
    await writeWhole(join(draft, 'facts.json'), Buffer.from(facts), modes);
    // What is left of a folder that was being deleted, or damaged, has no image; another's whole one stays.
    if (!isThere(join(folder, 'image.bin'))) rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!isThere(join(folder, 'image.bin'))) throw error;
  }
}

async function writeWhole(path: string, bytes: Uint8Array, modes: Modes): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    grant(handle.fd, modes.file, modes);
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** False: its folder is gone. */
function mark(path: string, modes: Modes): boolean {
  try {
    const descriptor = openSync(path, 'w', 0o600);
    try {
      // Written, for of another user's file nobody else can set the time or the mode.
      writeSync(descriptor, '\n');
      if (fstatSync(descriptor).uid === process.geteuid?.()) grant(descriptor, modes.file, modes);
    } finally {
      closeSync(descriptor);
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

export interface KeptImage {
  readonly name: string;
  readonly bytes: number;
  /** When each device has last proven to run it. */
  readonly provenMs: ReadonlyMap<string, number>;
}

function forget(images: string, limits: ImageLimits): void {
  const kept: KeptImage[] = [];
  for (const name of namesIn(images)) {
    const folder = join(images, name);
    try {
      if (name.startsWith('.')) {
        if (Date.now() - statSync(folder).mtimeMs > abandonedMs)
          rmSync(folder, { recursive: true, force: true });
        continue;
      }
      const marks = namesIn(folder).filter((each) => each.startsWith('for-'));
      const provenMs = new Map(marks.map((each) => [each, statSync(join(folder, each)).mtimeMs]));
      kept.push({ name, bytes: statSync(join(folder, 'image.bin')).size, provenMs });
    } catch {
      // Another otarc is deleting it.
    }
  }
  for (const name of surplus(kept, limits)) {
    const doomed = join(images, `.doomed-${randomUUID()}`);
    try {
      renameSync(join(images, name), doomed);
      rmSync(doomed, { recursive: true, force: true });
    } catch {
      // Another otarc has just forgotten it. Whatever else is in the way: the image of this push is kept, and nothing is lost.
    }
  }
}

/**
 * Which images to forget: the oldest first, of those first that are none of the two newest of any device; never the newest
 * one of a device. Pure.
 */
export function surplus(kept: readonly KeptImage[], { count, bytes }: ImageLimits): string[] {
  const ranks = new Map<string, number>();
  const devices = new Set(kept.flatMap(({ provenMs }) => [...provenMs.keys()]));
  for (const device of devices) {
    const own = kept.filter(({ provenMs }) => provenMs.has(device));
    const newest = own.toSorted((a, b) => (b.provenMs.get(device) ?? 0) - (a.provenMs.get(device) ?? 0));
    for (const [at, { name }] of newest.entries()) ranks.set(name, Math.min(at, ranks.get(name) ?? Infinity));
  }
  const isSpare = ({ name }: KeptImage): number => ((ranks.get(name) ?? 2) >= 2 ? 0 : 1);
  const lastMs = ({ provenMs }: KeptImage): number => Math.max(0, ...provenMs.values());
  const order = kept
    .filter(({ name }) => ranks.get(name) !== 0)
    .toSorted((a, b) => isSpare(a) - isSpare(b) || lastMs(a) - lastMs(b));
  let left = kept.length;
  let leftBytes = kept.reduce((sum, each) => sum + each.bytes, 0);
  const gone: string[] = [];
  for (const each of order) {
    if (left <= count && leftBytes <= bytes) break;
    gone.push(each.name);
    left -= 1;
    leftBytes -= each.bytes;
  }
  return gone;
}
