import { describe, expect, it } from 'vitest';
import { compareWithBuilds, lastBuildOf, type LastBuilds } from '../../../src/deploy/outdated.ts';
import { outdatedDocument } from '../../../src/cli/commands/devices-json.ts';
import { outdatedSummary, outdatedTable } from '../../../src/cli/commands/devices-outdated-text.ts';
import { widthOf } from '../../../src/cli/terminal/width.ts';
import { OtaError } from '../../../src/model/errors.ts';
import type { Image } from '../../../src/model/types.ts';
import type { Entry, EntryState } from '../../../src/network/list/entries.ts';

const sums = { image: 'c0ffee12'.padEnd(32, '0'), other: '3f9a1b2c'.padEnd(32, '0') };
const image: Image = {
  path: '/p/firmware.bin',
  bytes: new Uint8Array(16),
  sizeBytes: 16,
  md5: sums.image,
  sha256: '',
  kind: 'firmware',
};
const build = lastBuildOf(image, { builtAt: new Date(0), environment: 'd1_mini' });
const missing = new OtaError('IMAGE_NOT_FOUND', 'There is no firmware image at /p/esp32.', {
  hint: 'Build.',
});

const entry = (name: string, more: Partial<Entry> = {}): Entry => ({
  name,
  isConfigured: true,
  state: 'here',
  host: `${name}.local`,
  addresses: ['192.0.2.11'],
  notes: [],
  ...more,
});
const says = (md5: string, version?: string) => ({
  running: { md5, ...(version === undefined ? {} : { version }) },
});
const buildsOf = (entries: readonly Entry[], more: Record<string, OtaError> = {}): LastBuilds =>
  new Map(entries.map(({ name }) => [name, more[name] ?? build]));

const house = [
  entry('attic', { state: 'absent', addresses: [], notes: ['this host has no route to it'] }),
  entry('cellar', says(sums.other)),
  entry('hall', says(sums.image, '1.4.3')),
  entry('livingroom', says(sums.other, '1.4.2')),
  entry('pair', { state: 'ambiguous' }),
  entry('shed'),
  entry('stranger', { isConfigured: false, ...says(sums.other) }),
];
const builds = buildsOf(house, { cellar: missing });
const compared = compareWithBuilds(house, builds);

describe('a device beside its last build', () => {
  it.each<[EntryState, Partial<Entry>, string]>([
    ['here', says(sums.image), 'current'],
    ['here', says(sums.other), 'outdated'],
    ['here', { running: { version: '1.4.3' } }, 'unknown'],
    ['here', {}, 'unknown'],
    ['ambiguous', {}, 'unknown'],
    ['awaited', {}, 'awaited'],
    ['absent', {}, 'not-heard'],
    ['unknown', {}, 'not-heard'],
  ])('that is %s and says %j is %s', (state, more, standing) => {
    const all = [entry('hall', { state, ...more })];
    expect(compareWithBuilds(all, buildsOf(all))).toMatchObject([{ standing }]);
    expect(compareWithBuilds(all, undefined)).toMatchObject([{ standing: 'awaited' }]);
    expect(compareWithBuilds(all, buildsOf(all, { hall: missing }))).toMatchObject([
      { standing: 'no-build' },
    ]);
  });

  it('is one of the configured ones', () => {
    expect(compared.map(({ entry: { name }, standing }) => `${name} ${standing}`)).toEqual([
      'attic not-heard',
      'cellar no-build',
      'hall current',
      'livingroom outdated',
      'pair unknown',
      'shed unknown',
    ]);
  });
});

describe('the table of outdated devices', () => {
  const textAt = (cells: number): string =>
    outdatedTable(compared, cells)
      .map(({ text }) => text)
      .join('\n');

  it('shows what runs, what was built and why it is listed', () => {
    expect(textAt(Infinity)).toMatchInlineSnapshot(`
      "NAME        RUNS              LAST BUILD          STATE
      attic                         c0ffee12 (d1_mini)  not heard; this host has no route to it
      cellar      3f9a1b2c                              no build: There is no firmware image at /p/esp32.
      livingroom  1.4.2 (3f9a1b2c)  c0ffee12 (d1_mini)  outdated
      pair        —                 c0ffee12 (d1_mini)  ambiguous
      shed        —                 c0ffee12 (d1_mini)  does not say what it runs"
    `);
    expect(outdatedSummary(compared)).toMatchInlineSnapshot(`
      "1 of 6 devices runs the last build.
      A device whose sketch includes otarc.h says itself what it runs.
      Build."
    `);
  });

  it('has as many cells as the terminal', () => {
    const long = entry('x'.repeat(60), { ...says(sums.other, 'v'.repeat(40)), notes: ['z'.repeat(300)] });
    const all = compareWithBuilds([long, ...house], buildsOf([long, ...house]));
    for (const cells of [1, 20, 79, 200])
      for (const { text } of outdatedTable(all, cells)) expect(widthOf(text)).toBeLessThanOrEqual(cells);
    const [head, first] = outdatedTable(all, 79).map(({ text }) => text);
    expect(first?.slice(head?.indexOf('STATE'))).toMatch(/^outdated/);
  });

  it('is empty where all run the last build', () => {
    const all = compareWithBuilds([entry('hall', says(sums.image))], builds);
    expect(outdatedTable(all, 80)).toEqual([]);
    expect(outdatedSummary(all)).toBe('hall runs the last build.');
  });

  it('is for scripts as well', () => {
    const list = { entries: house, warnings: ['w'], problems: [], canAsk: true };
    const document = outdatedDocument(compared, list) as { devices: Record<string, unknown>[] };
    expect(document).toMatchObject({ warnings: ['w'], mdns: { working: true }, upToDate: ['hall'] });
    const [attic, cellar, livingroom] = document.devices;
    const lastBuild = {
      path: '/p/firmware.bin',
      md5: sums.image,
      environment: 'd1_mini',
      builtAt: '1970-01-01T00:00:00.000Z',
    };
    expect(attic).toMatchObject({ name: 'attic', standing: 'not-heard', lastBuild });
    expect(cellar).toMatchObject({
      standing: 'no-build',
      running: { md5: sums.other },
      because: { code: 'IMAGE_NOT_FOUND', message: missing.message, hint: 'Build.' },
    });
    expect(cellar).not.toHaveProperty('lastBuild');
    expect(livingroom).toMatchObject({ standing: 'outdated', running: { version: '1.4.2' }, lastBuild });
  });
});
