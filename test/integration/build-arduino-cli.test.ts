import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { build, findArtifact } from '../../src/builders/build.ts';
import { firmwareOf, recordedContext } from '../support/build-context.ts';
import { arduinoFqbn, makeArduinoSketch, setVersion } from '../support/projects.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const fqbn = arduinoFqbn;

describe.skipIf(requireTools('arduino-cli'))('an Arduino sketch', () => {
  it('is built for the board of the request, and the image is the one of this build', async () => {
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Hall'));
    const context = recordedContext(sketch.env);

    const artifact = await build(firmwareOf(sketch.dir, { fqbn }), context);

    expect(artifact).toMatchObject({ kind: 'firmware', tool: 'arduino-cli', platform: 'esp8266' });
    expect(artifact.path).toMatch(/tmp\/arduino\/sketches\/[0-9A-F]{32}\/Hall\.ino\.bin$/);
    const command = ['arduino-cli', 'compile', '--fqbn', fqbn, sketch.dir];
    expect(context.events).toEqual([
      { type: 'build-started', tool: 'arduino-cli', command },
      { type: 'build-finished', tool: 'arduino-cli', durationMs: expect.any(Number), exitCode: 0 },
    ]);
    expect(context.printed()).toContain('Sketch uses');
    expect(context.printed()).not.toContain('\u001B[');
    await setVersion(sketch, '2.7.1');
    const coloured = recordedContext(sketch.env, { isTTY: true });
    await build(firmwareOf(sketch.dir, { fqbn }), coloured);
    expect(coloured.printed()).toContain('\u001B[92mUsed platform');
    expect(await readFile(artifact.path, 'latin1')).toContain('fw-version:2.7.1');
    expect(await findArtifact(firmwareOf(sketch.dir, { fqbn }), recordedContext(sketch.env))).toEqual(
      artifact,
    );
  });

  it('is built for the board of sketch.yaml, whatever port that names', async () => {
    const sketchYaml = `default_fqbn: ${fqbn}\ndefault_port: 192.0.2.7\ndefault_protocol: network\n`;
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'), { sketchYaml });
    const artifact = await build(firmwareOf(sketch.dir), recordedContext(sketch.env));
    expect(artifact).toMatchObject({ tool: 'arduino-cli', platform: 'esp8266' });
    expect((await stat(artifact.path)).size).toBeGreaterThan(200_000);
  });

  it('is found where its own arguments put it', async () => {
    const dir = await tempDir();
    const sketch = await makeArduinoSketch(join(dir, 'Blink'));
    const args = ['--build-path', join(dir, 'öut'), '--build-property', 'build.extra_flags=-DX=1'];
    const artifact = await build(firmwareOf(sketch.dir, { fqbn, args }), recordedContext(sketch.env));
    expect(artifact.path).toBe(join(dir, 'öut', 'Blink.ino.bin'));
  });

  it('that does not compile fails with its last lines, never with the old image', async () => {
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'));
    await build(firmwareOf(sketch.dir, { fqbn }), recordedContext(sketch.env));
    await writeFile(sketch.source, 'void setup() { nonsense(); }\nvoid loop() {}\n');
    const end = build(firmwareOf(sketch.dir, { fqbn }), recordedContext(sketch.env));
    await expect(end).rejects.toMatchObject({
      code: 'BUILD_FAILED',
      details: { exitCode: 1, tail: expect.arrayContaining([expect.stringContaining("error: 'nonsense'")]) },
    });
  });

  it('for a board that is not installed fails in the words of arduino-cli', async () => {
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'));
    const request = firmwareOf(sketch.dir, { fqbn: 'esp32:esp32:esp32' });
    const tail = expect.arrayContaining([expect.stringContaining('esp32:esp32')]);
    const built = build(request, recordedContext(sketch.env));
    await expect(built).rejects.toMatchObject({ code: 'BUILD_FAILED', details: { tail } });
    const found = findArtifact(request, recordedContext(sketch.env));
    await expect(found).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND', details: { tail } });
  });

  it('without a board is refused before anything runs', async () => {
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'));
    const context = recordedContext(sketch.env);
    const end = build(firmwareOf(sketch.dir), context);
    const hint = expect.stringMatching(/build\.fqbn.*sketch\.yaml/);
    await expect(end).rejects.toMatchObject({ code: 'CONFIG_INVALID', hint });
    expect(context.events).toEqual([]);
  });

  it('takes a file-system image that others have made', async () => {
    const dir = await tempDir();
    const sketch = await makeArduinoSketch(join(dir, 'Blink'));
    const filesystemImage = join(dir, 'fs.bin');
    const request = { ...firmwareOf(sketch.dir, { fqbn }), kind: 'filesystem' } as const;
    const context = recordedContext(sketch.env);
    const unnamed = build(request, context);
    await expect(unnamed).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('build.filesystemImage'),
    });
    const missing = build({ ...request, filesystemImage }, context);
    await expect(missing).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      details: { path: filesystemImage },
    });
    await writeFile(filesystemImage, 'littlefs');
    const artifact = await build({ ...request, filesystemImage }, context);
    expect(artifact).toEqual({ tool: 'arduino-cli', kind: 'filesystem', path: filesystemImage });
    expect(context.events).toEqual([]);
  });

  it('says how to get arduino-cli where there is none', async () => {
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'));
    const end = build(firmwareOf(sketch.dir, { fqbn }), recordedContext({ ...sketch.env, PATH: '' }));
    await expect(end).rejects.toMatchObject({
      code: 'BUILD_TOOL_MISSING',
      hint: expect.stringContaining('arduino-cli'),
    });
  });
});
