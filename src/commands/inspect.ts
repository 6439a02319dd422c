// placeholder: helper-3 writes this
import type { Platform } from '../types.ts';
import type { Io } from './io.ts';
export async function inspect(_options: { file: string; json: boolean; platform?: Platform }, _io: Io): Promise<number> {
  return 1;
}
