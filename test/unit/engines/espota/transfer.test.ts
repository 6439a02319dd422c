/** The transfer over a connection of the test, in virtual time: what comes when is written down. */

import { describe, expect, test } from 'vitest';
import type { EventBody } from '../../../../src/model/events.ts';
import type { Inbox } from '../../../../src/engines/espota/inbox.ts';
import { isCountedTooLow } from '../../../../src/model/counted.ts';
import { transfer, type TransferEnd } from '../../../../src/engines/espota/transfer.ts';
import type { Connection, ExchangeInput } from '../../../../src/engines/espota/transport.ts';

const sizeBytes = 50_000;

interface Played {
  readonly end: TransferEnd;
  readonly atMs: number;
  readonly progress: readonly number[];
  /** What was handed to the connection, and when. */
  readonly writes: readonly { atMs: number; bytes: number }[];
  readonly strangersReset: number;
}

interface PlayOptions {
  /** The device counts each write so much later. */
  readonly echoMs?: number;
  /** Still in the socket, for ever. */
  readonly waitingBytes?: number;
}

/** `script`: what comes at which millisecond. */
async function play(
  script: readonly [number, ExchangeInput][],
  options: PlayOptions | number = {},
): Promise<Played> {
  const { echoMs, waitingBytes = 0 } = typeof options === 'number' ? { echoMs: options } : options;
  let nowMs = 0;
  let strangersReset = 0;
  const writes: Played['writes'][number][] = [];
  const progress: number[] = [];
  const coming = script.map(([atMs, input]) => ({ atMs, input }));
  const add = (atMs: number, input: ExchangeInput): void => {
    const index = coming.findIndex((other) => other.atMs > atMs);
    coming.splice(index === -1 ? coming.length : index, 0, { atMs, input });
  };
  const connection: Connection = {
    address: '192.0.2.7',
    accept: () => {},
    waitingBytes: () => waitingBytes,
    write: (bytes) => {
      writes.push({ atMs: nowMs, bytes: bytes.length });
      if (echoMs !== undefined) add(nowMs + echoMs, says(String(bytes.length)));
    },
    end: () => {},
    reset: () => (strangersReset += 1),
  };
  const inbox: Inbox<ExchangeInput> = {
    put: () => {},
    next: ({ untilMs }) => {
      const next = coming[0];
      if (next === undefined || next.atMs > untilMs) {
        nowMs = Math.max(nowMs, untilMs);
        return Promise.resolve(undefined);
      }
      coming.shift();
      nowMs = Math.max(nowMs, next.atMs);
      const { input } = next;
      return Promise.resolve(input.type === 'connection' ? { ...input, connection } : input);
    },
  };
  const end = await transfer({
    bytes: new Uint8Array(sizeBytes),
    connection,
    inbox,
    now: () => nowMs,
    signal: new AbortController().signal,
    tell: (event: EventBody) => void (event.type === 'progress' && progress.push(event.acknowledgedBytes)),
  });
  return { end, atMs: nowMs, progress, writes, strangersReset };
}

const says = (text: string): ExchangeInput => ({ type: 'data', bytes: Buffer.from(text, 'latin1') });
const closed: ExchangeInput = { type: 'closed' };
const sum = (numbers: readonly number[]): number => numbers.reduce((one, other) => one + other, 0);

test('the image goes in windows, and OK ends it', async () => {
  const { end, writes, progress } = await play([[3000, says('OK')]], 300);
  expect(end).toMatchObject({ type: 'accepted', sentBytes: sizeBytes, acknowledgedBytes: sizeBytes });
  expect(sum(writes.map(({ bytes }) => bytes))).toBe(sizeBytes);
  expect(writes.length).toBeGreaterThanOrEqual(2);
  expect(progress).toEqual([...progress].sort((one, other) => one - other));
  expect(progress.at(-1)).toBe(sizeBytes);
});

test('no count at all, and OK: accepted, and no progress is invented', async () => {
  const { end, progress } = await play([[7000, says('OK')]]);
  expect(end).toMatchObject({ type: 'accepted', sentBytes: sizeBytes, acknowledgedBytes: 0 });
  expect(progress).toEqual([]);
});

describe('OK before the last byte was counted', () => {
  test('all of the image has left this process: accepted, with what was counted', async () => {
    const { end, progress } = await play([
      [3000, says('17084')],
      [9000, says('OK')],
    ]);
    expect(end).toMatchObject({ type: 'accepted', sentBytes: sizeBytes, acknowledgedBytes: 17_084 });
    expect(progress).toEqual([17_084]);
  });

  test('some of it was not written yet: no OK for this image', async () => {
    const { end } = await play([[20, says('972OK')]]);
    expect(end).toMatchObject({ type: 'early-ok', acknowledgedBytes: 972 });
    expect(end.sentBytes).toBeLessThan(sizeBytes);
  });

  test('some of it still waits in the socket: no OK for this image', async () => {
    const { end } = await play([[7000, says('OK')]], { waitingBytes: 1 });
    expect(end).toMatchObject({ type: 'early-ok', sentBytes: sizeBytes - 1 });
  });

  test('what can be a misread count is no reason for a warning, what cannot is one', () => {
    expect(isCountedTooLow({ countedBytes: 86_000, sentBytes: 100_000 })).toBe(false);
    expect(isCountedTooLow({ countedBytes: 84_000, sentBytes: 100_000 })).toBe(true);
  });
});

test('the last of counts that follow each other closely is told a moment later', async () => {
  const { progress } = await play([
    [100, says('972')],
    [110, says('972')],
    [7000, says('OK')],
  ]);
  expect(progress).toEqual([972, 1944]);
});

describe('a verdict in pieces', () => {
  test('O, and K five seconds later', async () => {
    const { end } = await play(
      [
        [3000, says('O')],
        [8000, says('K')],
      ],
      300,
    );
    expect(end.type).toBe('accepted');
  });

  test('O and then the end of the stream', async () => {
    const { end } = await play(
      [
        [3000, says('O')],
        [3001, closed],
      ],
      300,
    );
    expect(end.type).toBe('no-verdict');
  });

  test('an error text that stutters for a second is read whole', async () => {
    const { end } = await play(
      [
        [3000, says('ERR')],
        [4000, says('OR[7]: MD5 ')],
        [5000, says('Failed\r\n')],
      ],
      300,
    );
    expect(end).toMatchObject({ type: 'rejected', answer: 'ERROR[7]: MD5 Failed' });
  });

  test('a text without a line end: whole after silence, or at the end of the stream', async () => {
    const silent = await play([[3000, says('MD5 Check Failed')]], 300);
    expect(silent.end).toMatchObject({ type: 'rejected', answer: 'MD5 Check Failed' });
    expect(silent.atMs).toBeLessThan(6000);
    const ended = await play(
      [
        [3000, says('MD5 Check Failed')],
        [3010, closed],
      ],
      300,
    );
    expect(ended.end.type).toBe('rejected');
  });

  test('an error mid-way stops the sender', async () => {
    const { end, writes } = await play([
      [100, says('1024ERROR[1]: Flash ')],
      [1500, says('Write Failed\r\n')],
    ]);
    expect(end).toMatchObject({ type: 'rejected', answer: 'ERROR[1]: Flash Write Failed' });
    expect(writes.every(({ atMs }) => atMs < 100)).toBe(true);
    expect(sum(writes.map(({ bytes }) => bytes))).toBeLessThan(sizeBytes);
  });
});

describe('no verdict', () => {
  test('closed mid-way', async () => {
    const { end } = await play([[200, { type: 'closed', code: 'ECONNRESET' }]]);
    expect(end).toMatchObject({ type: 'lost', code: 'ECONNRESET' });
  });

  test('closed after all', async () => {
    expect((await play([[5000, closed]], 300)).end.type).toBe('no-verdict');
  });

  test('silence after all: thirty seconds', async () => {
    const { end, atMs } = await play([], 300);
    expect(end.type).toBe('no-verdict');
    expect(atMs).toBeGreaterThan(30_000);
    expect(atMs).toBeLessThan(33_000);
  });

  test('silence mid-way: ten seconds and three windows', async () => {
    const { end, atMs } = await play([[100, says('1024')]]);
    expect(end).toMatchObject({ type: 'stalled', acknowledgedBytes: 1024 });
    expect(atMs).toBeGreaterThan(10_000);
    expect(atMs).toBeLessThan(16_000);
  });

  test('OK before the image was sent', async () => {
    expect((await play([[10, says('OK')]])).end).toMatchObject({ type: 'early-ok' });
  });

  test('another protocol', async () => {
    expect((await play([[10, says('\u0000\u0001')]])).end.type).toBe('garbage');
  });
});

test('whoever connects while the image goes is turned away', async () => {
  const unused: Connection = {
    address: '',
    accept: () => {},
    waitingBytes: () => 0,
    write: () => {},
    end: () => {},
    reset: () => {},
  };
  const { end, strangersReset } = await play(
    [
      [50, { type: 'connection', connection: unused }],
      [3000, says('OK')],
    ],
    300,
  );
  expect(strangersReset).toBe(1);
  expect(end.type).toBe('accepted');
});
