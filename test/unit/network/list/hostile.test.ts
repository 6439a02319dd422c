import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesBetween } from '../../../../src/network/list/changes.ts';
import { entriesOf } from '../../../../src/network/list/entries.ts';
import { documentOf } from '../../../../src/cli/commands/devices-json.ts';
import { changeText, tableOf } from '../../../../src/cli/commands/devices-text.ts';
import { widthOf } from '../../../../src/cli/terminal/width.ts';
import { devicesIn } from '../../../../src/network/found-devices.ts';
import { parseResponse } from '../../../../src/network/packets.ts';
import { learn, nothingSeen } from '../../../../src/network/sightings.ts';
import { device, txt } from '../../../support/mdns-records.ts';

const here = { own: new Set<string>(), onLink: () => true };
const source = { address: '192.0.2.11', zone: 'eth0', way: 'ephemeral' as const };
type Records = ReturnType<typeof device>;

function linesFor(records: Records): readonly string[] {
  const sightings = learn(nothingSeen, { records, source, nowMs: 0, own: here.own });
  const configured = [
    { name: 'hall', host: 'hall', engine: 'espota' as const, interfaces: [], hasPassword: true },
  ];
  const entries = entriesOf({
    configured,
    found: devicesIn(sightings, here),
    checks: new Map(),
    isSettled: true,
    canAsk: true,
  });
  const document = JSON.stringify(
    documentOf({ entries, warnings: [], problems: [], canAsk: true }),
    undefined,
    1,
  );
  return [
    ...tableOf(entries, Infinity).map(({ text }) => text),
    ...changesBetween([], entries).map(changeText),
    ...document.split('\n'),
  ];
}

/** Control and format characters: colours, cursor movements, titles, text that runs backwards. */
const unfit = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u;

describe('what a stranger announces', () => {
  it('never brings a control character to the terminal, whatever the name and the board are', () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(text, text, (name, board) => {
        const records = [...device(name, '192.0.2.11'), txt(name, [`board=${board}`])];
        const lines = linesFor(records);
        expect(lines.length).toBeGreaterThan(2);
        for (const line of lines) expect(line).not.toMatch(unfit);
      }),
      { numRuns: 500 },
    );
  });

  it('crashes nothing, whatever the bytes are', () => {
    const header = fc.tuple(fc.nat(9), fc.nat(9), fc.nat(9)).map(([questions, answers, more]) => {
      const bytes = Buffer.alloc(12);
      bytes.writeUInt16BE(0x8400, 2);
      bytes.writeUInt16BE(questions, 4);
      bytes.writeUInt16BE(answers, 6);
      bytes.writeUInt16BE(more, 10);
      return bytes;
    });
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 400 }), (head, rest) => {
        const records = parseResponse(Buffer.concat([head, rest]));
        expect(linesFor([...(records ?? [])]).length).toBeGreaterThan(1);
      }),
      { numRuns: 500 },
    );
  });

  it('fits into the window, however much there is', () => {
    const records = Array.from({ length: 1200 }, (_, at) =>
      device(`flood-${at}-${'客'.repeat(9)}`, '192.0.2.11'),
    );
    const sightings = learn(nothingSeen, { records: records.flat(), source, nowMs: 0, own: here.own });
    const entries = entriesOf({
      configured: [],
      found: devicesIn(sightings, here),
      checks: new Map(),
      isSettled: true,
      canAsk: true,
    });
    expect(entries.length).toBeGreaterThan(100);
    expect(entries.length).toBeLessThanOrEqual(1000);
    for (const { text } of tableOf(entries, 79)) expect(widthOf(text)).toBeLessThanOrEqual(79);
  });
});
