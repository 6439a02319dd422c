/** What is pushed once, and what is taken back: whole runs against a virtual device that says what it runs, over real mDNS. */

import { describe, expect, it, onTestFinished } from 'vitest';
import { deployProject, type DeployProjectOptions } from '../../src/deploy/deploy-project.ts';
import { openHistory } from '../../src/deploy/history/history.ts';
import { historyPlace } from '../../src/deploy/history/place.ts';
import { rollBackProject } from '../../src/deploy/roll-back.ts';
import type { DeployEvent } from '../../src/model/events.ts';
import type { VirtualDeviceOptions } from '../../src/simulator/index.ts';
import { imageFile } from '../support/image-file.ts';
import { quickDevice, storyOf, writeOtarc } from '../support/otarc.ts';
import { tempDir } from '../support/temp-dir.ts';

// Everybody on this machine's loopback shares one mDNS: the names must be this run's own.
let count = 0;

async function scene(more: Readonly<Record<string, unknown>> = {}, virtual: VirtualDeviceOptions = {}) {
  const dir = await tempDir();
  const name = `otarc-twice-${process.pid}-${(count += 1)}`;
  const device = await quickDevice({ name, announce: true, announcesRunning: true, ...virtual });
  const env = { HOME: dir };
  const write = (other: Readonly<Record<string, unknown>>) =>
    writeOtarc(
      dir,
      { hall: { at: device, host: name, platform: 'esp8266' } },
      { interfaces: ['127.0.0.1'], ...other },
    );
  await write(more);
  const images = new Map<number, string>();
  for (const seed of [1, 2]) {
    const { path } = await imageFile(dir, { seed, name: `${seed}.bin` });
    images.set(seed, path);
  }
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const run = async (
    act: (options: DeployProjectOptions) => ReturnType<typeof deployProject>,
    options: DeployProjectOptions,
  ) => {
    const events: DeployEvent[] = [];
    const { exitCode, outcomes } = await act({
      cwd: dir,
      env,
      signal: abort.signal,
      onEvent: (event) => events.push(event),
      ...options,
    });
    const ends = events.filter(({ type }) => ['skipped', 'failed', 'verified', 'unverified'].includes(type));
    return { exitCode, outcome: outcomes.get('hall'), events, ends, story: storyOf(events) };
  };
  const push = (seed: number, options: DeployProjectOptions = {}) =>
    run(deployProject, { source: 'file', file: images.get(seed), ...options });
  const place = historyPlace(env, { shared: undefined });
  const records = () =>
    openHistory({ place, onLoss: (message) => expect.fail(message) })
      .all()
      .map(({ outcome, proof, image }) => ({ outcome, proof: proof?.type, md5: image.md5 }));
  const rollBack = () => run(rollBackProject, {});
  return { device, push, rollBack, records, write };
}

const skipped = { type: 'skipped', reason: 'it runs this very image already (it says so itself)' };

describe('an image that the device says it runs', () => {
  it('is not pushed again, and a dry run says so', async () => {
    const { device, push, records } = await scene();
    expect(await push(1)).toMatchObject({ exitCode: 0, ends: [{ type: 'verified' }] });
    for (const options of [{}, { dryRun: true }, {}]) {
      const { exitCode, ends, story } = await push(1, options);
      expect({ exitCode, ends }).toMatchObject({ exitCode: 0, ends: [skipped] });
      expect(story).not.toContain('invited');
    }
    expect(device.updates).toHaveLength(1);
    expect(records().map(({ outcome }) => outcome)).toEqual(['deployed', 'skipped', 'skipped']);
  });

  it('is pushed with --force, and with `skipUnchanged: false`', async () => {
    const { device, push, write } = await scene();
    await push(1);
    expect(await push(1, { allowed: 'all' })).toMatchObject({ exitCode: 0, ends: [{ type: 'verified' }] });
    await write({ push: { skipUnchanged: false } });
    expect(await push(1)).toMatchObject({ exitCode: 0, ends: [{ type: 'verified' }] });
    expect(device.updates).toHaveLength(3);
  });

  it('is pushed where the device runs another one by now, whatever the history says', async () => {
    const { device, push } = await scene();
    await push(1);
    device.faults.bootsOldImage = true;
    expect(await push(2)).toMatchObject({ exitCode: 1, ends: [{ code: 'OLD_IMAGE_RUNS' }] });
    device.faults.bootsOldImage = false;
    expect(await push(2)).toMatchObject({ exitCode: 0, ends: [{ type: 'verified' }] });
  });

  it('is pushed where the device says nothing', async () => {
    const { device, push } = await scene();
    await push(1);
    device.faults.withoutProof = true;
    await push(2);
    expect(await push(2)).toMatchObject({ exitCode: 0, ends: [{ type: 'unverified' }] });
    expect(device.updates).toHaveLength(3);
  });
});

describe('a sketch that crashes', () => {
  it.each([
    { where: 'for all devices', config: { push: { onVerifyFailed: 'rollback' } } },
    { where: 'not at all', config: {} },
  ])('is taken back by itself where that is wanted: $where', async ({ config }) => {
    const { device, push, rollBack, records } = await scene(config, { timing: { rebootMs: 300 } });
    await push(1);
    const good = device.running?.md5;
    Object.assign(device.faults, { crashesAfterMs: 1000, crashingImages: 'pushed', bootReason: 'watchdog' });
    // Only what is pushed from now on, and not the one from before.
    const isBooted = device.waitFor('runs', { timeoutMs: 60_000 });
    const pushed = push(2);
    Object.assign(device.faults, { crashingImages: (await isBooted).md5, bootReason: undefined });
    const { exitCode, ends, events } = await pushed;
    expect(exitCode).toBe(1);
    expect(ends).toHaveLength(1);
    const story = records();
    expect(story.slice(0, 2)).toMatchObject([
      { outcome: 'deployed', proof: 'verified', md5: good },
      { outcome: 'failed', proof: 'crash-loop' },
    ]);
    if (config.push === undefined) {
      expect(ends).toMatchObject([{ code: 'DEVICE_GONE', message: expect.stringMatching(/watchdog\)\.$/) }]);
      expect(story).toHaveLength(2);
      expect(await rollBack()).toMatchObject({
        exitCode: 0,
        ends: [{ type: 'verified', isRollback: true }],
      });
    } else {
      expect(ends).toMatchObject([
        {
          code: 'DEVICE_GONE',
          message: expect.stringMatching(
            /crash loop \(watchdog\)\. Rolled back to the image with MD5 [\da-f]{8}, which runs \(it says so itself, [\d.]+ s after the push\)\.$/,
          ),
          details: { rolledBackTo: good, isRollbackProven: true },
        },
      ]);
      expect(events.map(({ type }) => type)).toContain('log');
    }
    expect(records()[2]).toMatchObject({ outcome: 'deployed', proof: 'verified', md5: good });
    expect(device.running?.md5).toBe(good);
  });
});
