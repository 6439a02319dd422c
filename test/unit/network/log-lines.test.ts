import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLogSource } from '../../../src/model/log-source.ts';
import { LogLines, TelnetFilter, withoutPriority } from '../../../src/network/logs/lines.ts';

function linesOf(chunks: readonly Uint8Array[]): string[] {
  const found: string[] = [];
  const telnet = new TelnetFilter();
  const lines = new LogLines((line) => found.push(line));
  for (const chunk of chunks) lines.add(telnet.filter(chunk));
  lines.end();
  return found;
}

const bytesOf = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

describe('what a device prints', () => {
  it.each([
    ['ends of lines', 'a\r\nb\nc\rd', ['a', 'b', 'c', 'd']],
    ['empty lines', 'a\n\nb\n', ['a', '', 'b']],
    ['telnet’s carriage return', 'a\r\0\nb\r\0', ['a', '', 'b', '']],
    ['colours', '\u001b[0;32m[I] on\u001b[0m\n', ['[I] on']],
    ['control characters', 'a\u0007b\u0001\n', [String.raw`ab\u0001`]],
    ['tabs', 'a\tb\n', ['a  b']],
    ['negotiation', 'lo\xff\xfb\x01gin\xff\xfa\x18\x01x\xff\xf0\xff\xf1:\n', ['login:']],
    ['bytes that are no text', '\xc3(\n', ['\ufffd(']],
  ])('has %s', (_, text, expected) => {
    expect(linesOf([bytesOf(text)])).toEqual(expected.map((each) => each.replace('ab\\', 'a\\u0007b\\')));
  });

  it('is the same at every split point', () => {
    const piece = fc.constantFrom(
      'a',
      '\r',
      '\n',
      '\r\n',
      '\xff\xfb\x01',
      '\xff\xff',
      '\xff\xfa\x01\xff\xf0',
      'é',
      '\u001b',
      '[2J',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const whole = Buffer.concat(
          pieces.map((each) => (each === 'é' ? Buffer.from(each) : Buffer.from(each, 'latin1'))),
        );
        const expected = linesOf([whole]);
        for (let at = 1; at < whole.length; at++)
          expect(linesOf([whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
      }),
    );
  });

  it('is never unfit for a terminal, and never longer than a line may be', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 400 }), { maxLength: 8 }), (chunks) => {
        // oxlint-disable-next-line no-control-regex
        for (const line of linesOf(chunks)) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
    const [first, ...more] = linesOf([bytesOf('x'.repeat(1_000_000))]);
    expect(first).toHaveLength(2_000);
    expect(more).toHaveLength(499);
  });

  it('has no priority of syslog', () => {
    expect(withoutPriority('<134>lamp: on')).toBe('lamp: on');
    expect(withoutPriority('<14>1 2026-12-01T10:00:00Z lamp')).toBe('2026-12-01T10:00:00Z lamp');
    expect(withoutPriority('a <14> b')).toBe('a <14> b');
  });
});

describe('`logs:` of a device', () => {
  it.each([
    ['serial', { type: 'serial' }],
    ['udp://:5514', { type: 'udp', port: 5514 }],
    ['tcp://{address}:23', { type: 'tcp', address: 'tcp://{address}:23' }],
    ['tcp://esp-link.local:2323', { type: 'tcp', address: 'tcp://esp-link.local:2323' }],
    ['http://{address}/events', { type: 'http', url: 'http://{address}/events' }],
  ])('%s', (text, expected) => {
    expect(parseLogSource(text)).toEqual(expected);
  });

  it.each([
    '',
    'tcp',
    'tcp://{address}',
    'udp://5514',
    'udp://:0',
    'udp://:99999',
    'ws://x/',
    'http://a:b@x/',
    'tcp://x:23/a',
    'cereal',
  ])('is not %j', (text) => {
    expect(parseLogSource(text)).toBeUndefined();
  });
});
