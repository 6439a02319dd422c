/** What is listened for after a failure, broken off by the user. */

import dgram from 'node:dgram';
import { syncBuiltinESMExports } from 'node:module';
import os from 'node:os';
import { expect, onTestFinished, test } from 'vitest';
import { awaitReturn, listenFor } from '../../src/diagnose/listen.ts';
import { explain } from '../../src/diagnose/explain.ts';
import { OtaError } from '../../src/model/errors.ts';
import { targetOf } from '../support/push.ts';

const name = `nobody-${process.pid}`;
const device = { name, host: `${name}.local`, engine: 'espota' as const };
const target = targetOf(
  { address: '127.0.0.1', port: 8266 },
  { name, via: 'mdns', hostAddress: '127.0.0.1' },
);

test('to its end: nothing', async () => {
  const { signal } = new AbortController();
  expect(await listenFor({ device, target, signal }, 200)).toBe('nothing');
});

test('devices that fail at once are listened for by one pair of ears', async () => {
  const { createSocket } = dgram;
  onTestFinished(() => {
    dgram.createSocket = createSocket;
    syncBuiltinESMExports();
  });
  let opened = 0;
  dgram.createSocket = ((...given: Parameters<typeof createSocket>) => {
    opened += 1;
    return createSocket(...given);
  }) as typeof createSocket;
  syncBuiltinESMExports();
  const { signal } = new AbortController();
  const listen = () => listenFor({ device, target, signal }, 150);
  expect(await listen()).toBe('nothing');
  const openedForOne = opened;
  expect(openedForOne).toBeGreaterThan(0);
  expect(await Promise.all(Array.from({ length: 8 }, listen))).toEqual(Array(8).fill('nothing'));
  expect(opened).toBe(2 * openedForOne);
});

test('broken off, it says nothing about the device', async () => {
  expect(await listenFor({ device, target, signal: AbortSignal.abort() }, 200)).toBeUndefined();
  const soon = AbortSignal.timeout(50);
  expect(await listenFor({ device, target, signal: soon }, 60_000)).toBeUndefined();
});

test('a device that does not come back is not waited for after an interruption', async () => {
  const user = new AbortController();
  const told: string[] = [];
  const tell = (event: { type: string; message?: string }): void => {
    told.push(event.message ?? '');
    user.abort();
  };
  // Longer than a test may last.
  const listening = { device, target, signal: user.signal, tell, limitMs: 80_000 };
  expect(await awaitReturn(listening, {})).toEqual({});
  expect(told).toEqual([`listening whether ${name} has restarted, 80 s at most`]);
});

test('after an interruption a failure is explained by what it observed itself', async () => {
  const details = { undeliverable: ['ECONNREFUSED'] };
  const error = new OtaError('DEVICE_SILENT', 'It did not answer.', { details });
  const signal = AbortSignal.abort();
  const better = await explain(error, { device, target, signal, tell: () => {} });
  expect(better.details['causes']).toEqual(['wrong-port', 'sketch-without-ota']);
  const cancelled = new OtaError('CANCELLED', 'Interrupted.');
  expect(await explain(cancelled, { device, target, signal, tell: () => {} })).toBe(cancelled);
});

test('for a return it is listened for as long as was asked, and not at all where that is 0', async () => {
  const lost = new OtaError('CONNECTION_LOST', 'It broke off.', { details: { code: 'ECONNRESET' } });
  const told: string[] = [];
  const { signal } = new AbortController();
  const tell = (event: { type: string; message?: string }) => void told.push(event.message ?? '');
  const explained = (longestMs: number) => explain(lost, { device, target, signal, tell, longestMs });
  expect((await explained(0)).details['causes']).toContain('power-dip');
  expect(told).toEqual([]);
  await explained(100);
  expect(told).toEqual([`listening whether ${name} has restarted, 0.1 s at most`]);
});

test.each(['DEVICE_SILENT', 'CONNECT_BACK_MISSING', 'NAME_NOT_RESOLVED', 'TRANSFER_STALLED'] as const)(
  '%s stays what it is where the system does not tell its interfaces',
  async (code) => {
    const { networkInterfaces } = os;
    onTestFinished(() => {
      os.networkInterfaces = networkInterfaces;
      syncBuiltinESMExports();
    });
    os.networkInterfaces = () => {
      throw new Error('uv_interface_addresses returned Unknown system error 13');
    };
    syncBuiltinESMExports();
    const { signal } = new AbortController();
    const { hostAddress: _, ...unbound } = target;
    const given = { device, target: unbound, signal, tell: () => {}, longestMs: 100 };
    const better = await explain(new OtaError(code, 'It failed.'), given);
    expect(better).toMatchObject({ code, message: 'It failed.' });
    expect(better.details['causes']).not.toHaveLength(0);
  },
);
