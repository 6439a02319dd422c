import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeEsp8266Image } from './images.ts';

/** Writes a complete ESP8266 image into `dir`, `firmware.bin` if nothing else is said. */
export async function imageFile(
  dir: string,
  {
    sizeBytes = 20_000,
    seed = 1,
    name = 'firmware.bin',
  }: { sizeBytes?: number; seed?: number; name?: string } = {},
): Promise<{ path: string; bytes: Buffer }> {
  const path = join(dir, name);
  const bytes = Buffer.from(makeEsp8266Image({ sizeBytes, seed }));
  await writeFile(path, bytes);
  return { path, bytes };
}
