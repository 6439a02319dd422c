import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { noReplies, takeReply, verdictOf, type Replies } from '../../../../src/engines/espota/replies.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const take = (reads: readonly string[], sentBytes: number, largestCountBytes?: number): Replies =>
  reads.reduce(
    (replies, read) => takeReply(replies, bytes(read), { sentBytes, largestCountBytes }),
    noReplies,
  );
/** At every place where the network may cut it. */
const cuts = (text: string): [string, string][] =>
  Array.from({ length: text.length + 1 }, (_, at) => [text.slice(0, at), text.slice(at)]);

describe('counts', () => {
  test.each<[string[], number, number]>([
    [['1460'], 1460, 1460],
    [['1460', '1460'], 409_600, 2920],
    [['14601460'], 409_600, 2920],
    [['146014601460'], 32_768, 4380],
    [['32768'], 32_768, 32_768],
    [['409600'], 409_600, 409_600],
    [['392OK'], 392, 392],
    [['84ERROR[7]: MD5 Failed\r\n'], 84, 84],
    [['OK'], 409_600, 0],
    [['99999999999999999999999999'], 1000, 1000],
    [['2144'], 150_000, 2144],
    // What an ESP8266 with the small window says while the flash is not busy, two of it in one read.
    [['2144', '21442144'], 150_000, 6432],
    [['2144', '10722144'], 150_000, 5360],
  ])('%j with %i bytes sent', (reads, sentBytes, acknowledgedBytes) => {
    expect(take(reads, sentBytes).acknowledgedBytes).toBe(acknowledgedBytes);
  });

  test('of a device that counts each read no number is larger than a read', () => {
    expect(take(['146024'], 150_000, 1460).acknowledgedBytes).toBe(1484);
    expect(take(['143624'], 150_000, 1460).acknowledgedBytes).toBeLessThanOrEqual(1460);
  });

  test('a stream of 1460 in any pieces never counts more than was said', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat(160), { maxLength: 8 }),
        (count, places) => {
          const stream = '1460'.repeat(count);
          const sorted = [...new Set([0, ...places, stream.length])].sort((one, other) => one - other);
          const reads = sorted.slice(1).map((end, index) => stream.slice(sorted[index], end));
          const { acknowledgedBytes } = take(reads, 409_600, 1460);
          expect(acknowledgedBytes).toBeLessThanOrEqual(1460 * count);
        },
      ),
    );
  });

  test('whole numbers in a read, however many, are counted to the byte', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 30 }), (groups) => {
        const total = groups.reduce((sum, group) => sum + group, 0) * 1460;
        const reads = groups.map((group) => '1460'.repeat(group));
        expect(take(reads, total, 1460).acknowledgedBytes).toBe(total);
      }),
    );
  });
});

describe('verdicts', () => {
  test.each(cuts('392OK'))('a cut in 392OK: %j %j', (first, second) => {
    const replies = take([first, second], 392);
    expect(verdictOf(replies, false)).toEqual({ type: 'accepted' });
    expect(replies.acknowledgedBytes).toBeLessThanOrEqual(392);
  });

  test.each(['84ERROR[7]: MD5 Failed: expected:ab, calculated:cd\r\n', '1460MD5 Check Failed\r\n'])(
    'every cut in %j',
    (text) => {
      for (const [first, second] of cuts(text)) {
        const replies = take([first, second], 5000);
        expect(verdictOf(replies, false)).toEqual({
          type: 'rejected',
          text: text.replace(/^\d+/, '').trim(),
        });
      }
    },
  );

  test('an error text byte by byte is whole at its line end, not before', () => {
    const text = 'ERROR[1]: Flash Write Failed\r\n';
    let replies = noReplies;
    for (const [index, letter] of [...text].entries()) {
      replies = takeReply(replies, bytes(letter), { sentBytes: 1000 });
      if (index < text.length - 1) expect(verdictOf(replies, false)).toBeUndefined();
    }
    expect(verdictOf(replies, false)).toEqual({ type: 'rejected', text: text.trim() });
  });

  test('a text without a line end is whole when nothing follows', () => {
    const replies = take(['1460MD5 Check Failed'], 1460);
    expect(verdictOf(replies, false)).toBeUndefined();
    expect(verdictOf(replies, true)).toEqual({ type: 'rejected', text: 'MD5 Check Failed' });
  });

  test('O is not yet OK, and never a refusal', () => {
    expect(verdictOf(take(['1460', 'O'], 1460), false)).toBeUndefined();
    expect(verdictOf(take(['1460', 'O'], 1460), true)).toBeUndefined();
    expect(verdictOf(take(['1460', 'O', 'K'], 1460), false)).toEqual({ type: 'accepted' });
  });

  test('nothing said is no verdict', () => {
    expect(verdictOf(take(['1460'], 1460), true)).toBeUndefined();
  });

  test('bytes that are no text are garbage at once', () => {
    expect(verdictOf(take(['\u0000HTTP/1.1 400'], 1460), false)).toMatchObject({ type: 'garbage' });
  });
});

test('random bytes never throw, and never acknowledge more than was sent', () => {
  const read = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.stringMatching(/^[0-9]{0,24}$/).map((text) => bytes(text)),
    fc.constantFrom('OK', 'O', 'K', 'ERROR[', '\r\n').map((text) => bytes(text)),
  );
  fc.assert(
    fc.property(
      fc.array(read, { maxLength: 20 }),
      fc.array(fc.nat(40_000), { minLength: 20, maxLength: 20 }),
      fc.constantFrom(undefined, 1460),
      (reads, sendings, largestCountBytes) => {
        let replies = noReplies;
        let sentBytes = 0;
        for (const [index, part] of reads.entries()) {
          sentBytes += sendings[index] ?? 0;
          const before = replies.acknowledgedBytes;
          replies = takeReply(replies, part, { sentBytes, largestCountBytes });
          expect(replies.acknowledgedBytes).toBeGreaterThanOrEqual(before);
          expect(replies.acknowledgedBytes).toBeLessThanOrEqual(sentBytes);
          expect(replies.verdict.length).toBeLessThanOrEqual(512);
          verdictOf(replies, index % 2 === 0);
        }
      },
    ),
  );
});
