import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { logLinesTo } from '../../../../src/cli/terminal/log-lines.ts';

describe('lines of a log', () => {
  it('that nobody reads do not fill the memory: they are left out, and their number is said', async () => {
    const stream = new PassThrough();
    const write = logLinesTo(stream);
    const line = 'x'.repeat(99);
    for (let at = 0; at < 100_000; at += 1) write(line);
    expect(stream.writableLength + stream.readableLength).toBeLessThan(400_000);
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    while (!text.includes('left out')) await setImmediate();
    const lines = text.trimEnd().split('\n');
    const [, count = ''] = /^… ([\d,]+) lines left out$/.exec(lines.at(-1) ?? '') ?? [];
    expect(lines.length - 1 + Number(count.replaceAll(',', ''))).toBe(100_000);
    write('next');
    await setImmediate();
    expect(text.endsWith('left out\nnext\n')).toBe(true);
  });
});
