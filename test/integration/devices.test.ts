import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { interfacesBeforehand } from '../../src/network/list/interfaces-beforehand.ts';
import { followDevices, type FollowOptions, type List } from '../../src/network/list/follow.ts';
import { OtaError } from '../../src/model/errors.ts';
import { quickDevice } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

let count = 0;
const freshName = () => `otarc-follow-${process.pid}-${(count += 1)}`;
const configured = (name: string, host = name) => ({
  name,
  host,
  engine: 'espota' as const,
  interfaces: [],
  hasPassword: false,
});

async function listsOf(options: Partial<FollowOptions>): Promise<readonly List[]> {
  const lists: List[] = [];
  await followDevices({
    reading: Promise.resolve({ configured: [], warnings: [] }),
    interfaces: ['127.0.0.1'],
    signal: new AbortController().signal,
    onChange: (list) => lists.push(list),
    ...options,
  });
  return lists;
}

describe('following the devices', () => {
  it('asks while the configuration is read, and tells nothing before', async () => {
    const device = await quickDevice({ name: freshName(), announce: true });
    let isRead = false;
    // The pause is what is tested: a reading that lasts for longer than an answer takes, on a busy computer too.
    const reading = new Promise<void>((resolve) => setTimeout(resolve, 1_500)).then(() => {
      isRead = true;
      return { configured: [configured(device.name)], warnings: ['a warning'] };
    });
    const told: { isRead: boolean; list: List }[] = [];
    await listsOf({ reading, forMs: 100, onChange: (list) => told.push({ isRead, list }) });
    expect(told.map((each) => each.isRead)).not.toContain(false);
    expect(told[0]?.list.warnings).toEqual(['a warning']);
    expect(told[0]?.list.entries[0]).toMatchObject({
      name: device.name,
      isConfigured: true,
      state: 'here',
    });
  });

  it('ends with what the configuration, or the interface, fails with', async () => {
    const invalid = new OtaError('CONFIG_INVALID', 'No.');
    await expect(listsOf({ reading: Promise.reject(invalid) })).rejects.toBe(invalid);
    await expect(listsOf({ interfaces: ['nonsuch0'] })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('looks names up where mDNS cannot know them, and tells what came of it', async () => {
    const asked: string[] = [];
    const lists = await listsOf({
      reading: Promise.resolve({
        configured: [configured('far', 'far.example.com'), configured('here', '127.0.0.9')],
        warnings: [],
      }),
      forMs: 1700,
      lookUp: (name) => {
        asked.push(name);
        return Promise.resolve({ type: 'answered', addresses: ['127.0.0.8'] });
      },
    });
    expect(asked).toEqual(['far.example.com']);
    expect(lists.at(-1)?.entries.slice(0, 2)).toMatchObject([
      {
        name: 'far',
        addresses: ['127.0.0.8'],
        state: 'absent',
        notes: ["by the system's resolver; this host would send from 127.0.0.1"],
      },
      { name: 'here', addresses: ['127.0.0.9'], notes: ['this host would send from 127.0.0.1'] },
    ]);
  });
});

describe('the interfaces to ask on', () => {
  it.each([
    ['devices: { hall: {} }\n', []],
    ['interfaces: [eth0]\n', undefined],
    [String.raw`{ "\u0069nterfaces": ["eth0"] }`, undefined],
  ])('with %j in .otarc are known beforehand: %j', async (text, expected) => {
    const cwd = await tempDir();
    await writeFile(join(cwd, '.otarc'), text);
    expect(interfacesBeforehand({ cwd }, { HOME: cwd })).toEqual(expected);
    expect(interfacesBeforehand({ cwd, interfaces: ['lo'] }, { HOME: cwd })).toEqual(['lo']);
    expect(interfacesBeforehand({ cwd }, { HOME: cwd, OTARC_INTERFACE: 'lo' })).toBeUndefined();
  });

  it('are not known where the configuration is a program, or elsewhere', async () => {
    const cwd = await tempDir();
    expect(interfacesBeforehand({ cwd }, { HOME: cwd })).toEqual([]);
    expect(interfacesBeforehand({ cwd, config: 'x.yaml' }, { HOME: cwd })).toBeUndefined();
    await writeFile(join(cwd, 'otarc.config.mjs'), 'export default {};\n');
    expect(interfacesBeforehand({ cwd }, { HOME: cwd })).toBeUndefined();
  });
});
