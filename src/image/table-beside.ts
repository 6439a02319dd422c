/** The partition table of the build that an image comes from. */

import { dirname, join } from 'node:path';
import { OtaError } from '../model/errors.ts';
import type { Tell } from '../model/events.ts';
import type { Artifact, Image } from '../model/types.ts';
import type { PartitionTable } from './partition.ts';
import { readPartitionTable } from './read.ts';

interface BesideOptions {
  readonly artifact: Pick<Artifact, 'partitionsPath'>;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** Where the build says none, as with a file that was named: as PlatformIO and arduino-cli leave it beside the image. */
export async function tableBeside(
  { path, platform }: Pick<Image, 'path' | 'platform'>,
  { artifact, tell, signal }: BesideOptions,
): Promise<PartitionTable | undefined> {
  if (platform === 'esp8266' || platform === 'rp2040') return undefined;
  const beside = [join(dirname(path), 'partitions.bin'), path.replace(/\.bin$/, '.partitions.bin')];
  const places = artifact.partitionsPath === undefined ? beside : [artifact.partitionsPath];
  for (const place of places) {
    try {
      return await readPartitionTable(place, signal);
    } catch (error) {
      if (!(error instanceof OtaError) || error.code === 'CANCELLED') throw error;
      if (error.code === 'IMAGE_NOT_FOUND') continue;
      // Sizes are checked once more by the device; a table that is no table must not keep a good image from it.
      tell({ type: 'log', level: 'warn', message: `The slots are not known: ${error.message}` });
      return undefined;
    }
  }
  return undefined;
}
