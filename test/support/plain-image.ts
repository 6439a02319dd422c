import { createHash } from 'node:crypto';
import type { Image } from '../../src/model/types.ts';

const bytes = Buffer.alloc(20_000, 0x02);
bytes[0] = 0xe9;
const digest = (name: string): string => createHash(name).update(bytes).digest('hex');

/** An image that a virtual device takes, with no mark of its platform. */
export const plainImage: Image = {
  path: 'firmware.bin',
  bytes,
  sizeBytes: bytes.length,
  md5: digest('md5'),
  sha256: digest('sha256'),
  kind: 'firmware',
};
