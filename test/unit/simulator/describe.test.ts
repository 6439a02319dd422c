import { expect, test } from 'vitest';

import { describeEvent } from '../../../src/simulator/describe.ts';
import type { VirtualDeviceEventBody } from '../../../src/simulator/events.ts';

const line = (body: VirtualDeviceEventBody): string | undefined =>
  describeEvent({ ...body, at: '2026-01-01T00:00:00.000Z', device: 'virtual' });

test('what a person reads', () => {
  expect(
    line({
      type: 'invited',
      command: 100,
      sizeBytes: 1,
      md5: '',
      hostAddress: '127.0.0.1',
      hostPort: 5,
      udpPort: 6,
    }),
  ).toBe('invited by 127.0.0.1:5: file system, 1 byte');
  expect(line({ type: 'verdict', text: 'OK' })).toBe('says OK');
  expect(line({ type: 'runs', md5: 'abc', sizeBytes: 7, changed: true })).toBe('now runs abc (7 bytes)');
  expect(line({ type: 'runs', md5: '', sizeBytes: 0, changed: false })).toBe('runs what came by cable');
  expect(line({ type: 'booted', md5: 'abc', run: '0123abcd', boot: 'watchdog' })).toBe(
    'announces md5=abc run=0123abcd boot=watchdog',
  );
  expect(line({ type: 'serves', what: 'log', address: '::1', port: 23 })).toBe(
    'prints its log at tcp://[::1]:23',
  );
  expect(line({ type: 'lost', direction: 'out', what: 'OK' })).toBe('its OK got lost');
});

test('progress every 64 KiB, and at the end', () => {
  const received = (receivedBytes: number): string | undefined =>
    line({ type: 'received', receivedBytes, sizeBytes: 100_000 });
  expect(received(4096)).toBeUndefined();
  expect(received(65_536)).toBe('received 65536 of 100000 bytes');
  expect(received(100_000)).toBe('received 100000 of 100000 bytes');
});
