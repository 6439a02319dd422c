/** Records as a push would write them. */

import { createHash } from 'node:crypto';
import type { HistoryRecord } from '../../src/deploy/history/record.ts';

let count = 0;

export function recordOf({
  text = 'image',
  ...more
}: Partial<HistoryRecord> & { text?: string } = {}): HistoryRecord {
  count += 1;
  const digest = (name: string): string => createHash(name).update(text).digest('hex');
  return {
    v: 1,
    id: `id-${process.pid}-${count}`,
    at: new Date(Date.UTC(2026, 0, 1) + count * 1000).toISOString(),
    device: { name: 'hall', host: 'hall' },
    place: { address: '192.0.2.7', port: 8266, isSure: true },
    image: {
      md5: digest('md5'),
      sha256: digest('sha256'),
      sizeBytes: text.length,
      kind: 'firmware',
      platform: 'esp8266',
    },
    outcome: 'deployed',
    otarc: '0.0.0',
    ...more,
  };
}

export const proven = {
  proof: { type: 'verified', method: 'announce', proof: 'says so itself', afterMs: 3200 },
} as const;
