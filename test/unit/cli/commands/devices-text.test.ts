import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../../src/network/list/entries.ts';
import { changeText, tableOf } from '../../../../src/cli/commands/devices-text.ts';
import { widthOf } from '../../../../src/cli/terminal/width.ts';

const entry = (name: string, more: Partial<Entry> = {}): Entry => ({
  name,
  isConfigured: false,
  state: 'here',
  host: `${name}.local`,
  addresses: ['192.0.2.11'],
  notes: [],
  ...more,
});
const house = [
  entry('livingroom', {
    isConfigured: true,
    port: 8266,
    platform: 'esp8266',
    board: 'ESP8266_NODEMCU',
    authRequired: true,
    hasPassword: true,
  }),
  entry('attic', { isConfigured: true, state: 'absent', addresses: [], hasPassword: true }),
  entry('客厅', {
    port: 3232,
    board: 'esp32',
    authRequired: false,
    addresses: ['192.0.2.12', 'fe80::1%eth0'],
  }),
];

const sum = '3f9a1b2c'.padEnd(32, '0');

describe('the table of devices', () => {
  it('shows what is known of each', () => {
    expect(
      tableOf(house, Infinity)
        .map(({ text }) => text)
        .join('\n'),
    ).toMatchInlineSnapshot(`
      "NAME        ADDRESS        PORT  PLATFORM  BOARD            PASSWORD  RUNS  STATE
      livingroom  192.0.2.11     8266  esp8266   ESP8266_NODEMCU  yes       —     here
      attic                                                       yes             absent
      客厅        192.0.2.12 +1  3232            esp32            none      —     here, not in .otarc"
    `);
  });

  it('has as many cells as the terminal, whatever the names are', () => {
    const long = [...house, entry('x'.repeat(60), { board: 'y'.repeat(64), notes: ['z'.repeat(300)] })];
    for (const cells of [1, 20, 60, 79, 200]) {
      const widths = tableOf(long, cells).map(({ text }) => widthOf(text));
      expect(Math.max(...widths)).toBeLessThanOrEqual(cells);
    }
    const wide = tableOf(long, 200).map(({ text }) => text);
    expect(wide.at(-1)).toContain(`${'x'.repeat(27)}…`);
  });

  const long = entry('greenhouse-temperature', {
    isConfigured: true,
    port: 8266,
    platform: 'esp8266',
    board: 'ESP8266_WEMOS_D1MINIPRO',
    authRequired: true,
    addresses: ['192.168.178.123', 'fe80::1%eth0'],
  });
  const linesAt = (cells: number): string =>
    tableOf([long, ...house], cells)
      .map(({ text }) => text)
      .join('\n');

  it('keeps in 80 columns the name, the address and the state, and gives up the board first', () => {
    expect(linesAt(80)).toMatchInlineSnapshot(`
      "NAME                    ADDRESS             PORT  PASSWORD  STATE
      greenhouse-temperature  192.168.178.123 +1  8266  yes       here
      livingroom              192.0.2.11          8266  yes       here
      attic                                             yes       absent
      客厅                    192.0.2.12 +1       3232  none      here, not in .otarc"
    `);
  });

  it.each([30, 40, 50, 60, 70, 80, 90, 100, 120])('has names, states, and no half columns: %i', (cells) => {
    const [head = '', ...rows] = linesAt(cells).split('\n');
    expect(head).toMatch(/^NAME .*(?<= )STATE$/);
    const at = head.indexOf('STATE');
    for (const row of rows.slice(0, 3)) expect(row.slice(at)).toMatch(/^(?:here|absent)/);
    // Whatever gives way before another is not there without it.
    const order = ['RUNS', 'BOARD', 'PLATFORM', 'PASSWORD', 'PORT', 'ADDRESS'];
    const there = order.map((column) => head.includes(column));
    expect(there).toEqual(there.toSorted((one, other) => Number(one) - Number(other)));
  });

  const talking = [
    { ...long, running: { version: 'v1.4.2-12-gdeadbeef-dirty', md5: sum } },
    ...house.slice(1),
    entry('hall', { isConfigured: true, port: 8266, running: { md5: sum } }),
    entry('shed', { state: 'ambiguous' }),
  ];
  const talkingAt = (cells: number): string =>
    tableOf(talking, cells)
      .map(({ text }) => text)
      .join('\n');

  it('shows what each runs: its version, else the first digits of its sum', () => {
    expect(talkingAt(Infinity)).toMatchInlineSnapshot(`
      "NAME                    ADDRESS             PORT  PLATFORM  BOARD                    PASSWORD  RUNS                       STATE
      greenhouse-temperature  192.168.178.123 +1  8266  esp8266   ESP8266_WEMOS_D1MINIPRO  yes       v1.4.2-12-gdeadbeef-dirty  here
      attic                                                                                yes                                  absent
      客厅                    192.0.2.12 +1       3232            esp32                    none      —                          here, not in .otarc
      hall                    192.0.2.11          8266                                               3f9a1b2c                   here
      shed                    192.0.2.11                                                                                        ambiguous, not in .otarc"
    `);
  });

  it('keeps in 80 columns what each runs before its password, and cuts a long version', () => {
    expect(talkingAt(80)).toMatchInlineSnapshot(`
      "NAME                    ADDRESS             RUNS            STATE
      greenhouse-temperature  192.168.178.123 +1  v1.4.2-12-gde…  here
      attic                                                       absent
      客厅                    192.0.2.12 +1       —               here, not in .otarc
      hall                    192.0.2.11          3f9a1b2c        here
      shed                    192.0.2.11                          ambiguous, not in .…"
    `);
  });

  it.each([30, 40, 50, 60, 70, 80, 90, 100, 120])('gives up what they run late, in %i columns', (cells) => {
    const [head = '', ...rows] = talkingAt(cells).split('\n');
    const order = ['BOARD', 'PLATFORM', 'PASSWORD', 'PORT', 'RUNS', 'ADDRESS'];
    const there = order.map((column) => head.includes(column));
    expect(there).toEqual(there.toSorted((one, other) => Number(one) - Number(other)));
    const at = head.indexOf('RUNS');
    if (at >= 0) expect(rows[3]?.slice(at)).toMatch(/^3f9a1b2c /);
  });

  it('is empty where there is none', () => {
    expect(tableOf([], 80)).toEqual([]);
  });

  it('dims what is not there', () => {
    expect(tableOf(house, 80).map(({ style }) => style)).toEqual(['dim', undefined, 'dim', undefined]);
  });
});

describe('a change in one line', () => {
  it('says who, where and what', () => {
    const [livingroom = entry('?'), attic = entry('?')] = house;
    expect(changeText({ type: 'arrived', entry: livingroom })).toBe(
      'arrived  livingroom at 192.0.2.11:8266, ESP8266_NODEMCU, with a password',
    );
    expect(changeText({ type: 'left', entry: livingroom })).toBe('left     livingroom at 192.0.2.11:8266');
    expect(changeText({ type: 'absent', entry: { ...attic, notes: ['no route'] } })).toBe(
      'absent   attic, with a password, no route',
    );
  });

  it('says what a device runs, and what is new of it', () => {
    const hall = entry('hall', { running: { version: '1.4.2', md5: sum }, run: '00000001' });
    const changed = (more: Partial<Entry>): string =>
      changeText({ type: 'changed', entry: { ...hall, ...more }, before: hall });
    const restarted = { run: '00000002', boot: 'software' };
    const running = (version: string, md5 = '1'.repeat(32)) => ({ running: { version, md5 } });
    expect([
      changeText({ type: 'arrived', entry: hall }),
      changeText({ type: 'left', entry: hall }),
      changed({ ...restarted, ...running('1.4.3') }),
      changed({ ...restarted, ...running('1.4.2') }),
      changed({ ...restarted, running: { md5: '1'.repeat(32) } }),
      changed({ ...restarted, boot: 'watchdog' }),
      changed({ notes: ['a note'] }),
      changeText({ type: 'changed', entry: entry('hall'), before: hall }),
    ]).toEqual([
      'arrived  hall at 192.0.2.11, runs 1.4.2',
      'left     hall at 192.0.2.11',
      'changed  hall at 192.0.2.11, restarted (software), runs 1.4.3 now',
      'changed  hall at 192.0.2.11, restarted (software), runs 1.4.2 (11111111) now',
      'changed  hall at 192.0.2.11, restarted (software), runs 11111111 now',
      'changed  hall at 192.0.2.11, restarted (watchdog), runs 1.4.2',
      'changed  hall at 192.0.2.11, runs 1.4.2, a note',
      'changed  hall at 192.0.2.11, no longer says what it runs',
    ]);
  });
});
