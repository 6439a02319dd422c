import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeEsp8266Image } from './images.ts';

/** Writes a complete ESP8266 image into `dir`: `firmware.bin`, and what stands in it. */
export async function imageFile(
  dir: string,
  { sizeBytes = 20_000, seed = 1 }: { sizeBytes?: number; seed?: number } = {},
): Promise<{ path: string; bytes: Buffer }> {
  const path = join(dir, 'firmware.bin');
  const bytes = Buffer.from(makeEsp8266Image({ sizeBytes, seed }));
  await writeFile(path, bytes);
  return { path, bytes };
}
