import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventsOf, goodStory, otarc, quickDevice, storyOf, writeOtarc } from '../support/otarc.ts';
import { arduinoFqbn, makeArduinoSketch, setVersion } from '../support/projects.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('latin1');

describe.skipIf(requireTools('arduino-cli'))('otarc deploy in the folder of a sketch', () => {
  it('brings what was built to the device, and after an edit the new one', async () => {
    const device = await quickDevice({ password: 'geheim' });
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'), {
      sketchYaml: `default_fqbn: ${arduinoFqbn}\n`,
    });
    await writeOtarc(sketch.dir, { livingroom: { at: device, password: { env: 'LIVINGROOM_PW' } } });
    const env = { ...sketch.env, LIVINGROOM_PW: 'geheim' };

    const first = await otarc(['deploy', '--json'], { cwd: sketch.dir, env });

    expect(first.exitCode).toBe(0);
    const events = eventsOf(first.stdout);
    expect(storyOf(events)).toEqual(goodStory);
    expect(events.find(({ type }) => type === 'build-started')).toMatchObject({ tool: 'arduino-cli' });
    const ready = events.find((event) => event.type === 'image-ready');
    expect(device.updates.at(-1)?.bytes).toEqual(await readFile(ready?.path ?? ''));
    expect(text(device.running?.bytes)).toContain('fw-version:1.0.0');

    await setVersion(sketch, '1.0.1');
    const second = await otarc(['deploy'], { cwd: sketch.dir, env });
    expect(second).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/^pushed to livingroom/) });
    expect(device.updates.at(-1)?.bytes).toEqual(await readFile(ready?.path ?? ''));
    expect(text(device.running?.bytes)).toContain('fw-version:1.0.1');

    const unchanged = await otarc(['deploy'], { cwd: sketch.dir, env });
    expect(unchanged.exitCode).toBe(0);
    const push = await otarc(['push'], { cwd: sketch.dir, env });
    expect(push.exitCode).toBe(0);
    expect(device.updates).toHaveLength(4);
    expect(device.updates.at(-1)?.bytes).toEqual(await readFile(ready?.path ?? ''));
  });

  it('pushes nothing when the sketch does not compile, and shows what the compiler said', async () => {
    const device = await quickDevice();
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'));
    await writeOtarc(sketch.dir, { livingroom: { at: device } }, { build: { fqbn: arduinoFqbn } });
    await writeFile(sketch.source, 'void setup() { nonsense(); }\nvoid loop() {}\n');

    const run = await otarc(['deploy'], { cwd: sketch.dir, env: sketch.env });

    expect(run).toMatchObject({ exitCode: 1, stdout: expect.stringMatching(/^failed on livingroom/) });
    expect(run.stderr).toMatch(/'nonsense' was not declared/);
    expect(run.stderr).toContain('error BUILD_FAILED');
    expect(device.counters.datagrams).toBe(0);
  });
});
