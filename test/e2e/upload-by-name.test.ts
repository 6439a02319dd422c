import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { declareAs, sketchbookDir, useLocal } from '../support/arduino-core.ts';
import { createNetwork, whyNoNamespaces } from '../support/namespaces.ts';
import { arduinoFqbn, makeArduinoSketch, makePioProject } from '../support/projects.ts';
import { startTool, useTemplate, withOtarc } from '../support/templates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const hasNoTools = requireTools('pio') || requireTools('arduino-cli');

/** A computer and a room with a device that announces itself, a cable between them, nothing else. */
function twoPlaces() {
  const network = createNetwork();
  onTestFinished(() => network.close());
  const [computer, room] = [network.namespace('pc'), network.namespace('room')];
  const { leftEnd, rightEnd } = network.connect(computer, room);
  computer.ip(`addr add 10.77.1.1/24 dev ${leftEnd}`);
  room.ip(`addr add 10.77.1.2/24 dev ${rightEnd}`);
  const run =
    ({ name }: { name: string }) =>
    (command: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }) =>
      startTool('ip', ['netns', 'exec', name, ...command], options);
  return { atComputer: run(computer), inRoom: run(room) };
}

describe.skipIf(whyNoNamespaces() ?? hasNoTools)('a device that is only known by its name', () => {
  it('is uploaded to by arduino-cli and by pio, as NAME.local, with its password', async () => {
    const { atComputer, inRoom } = twoPlaces();
    const dir = await tempDir();
    await writeFile(join(dir, 'password'), 'geheim\n');
    const sketch = await makeArduinoSketch(join(dir, 'Blink'), {
      sketchYaml: `default_fqbn: ${arduinoFqbn}\n`,
    });
    await declareAs('esp8266', sketch);
    await useLocal(sketch, 'c');
    await useTemplate('arduino-cli/hardware', join(sketchbookDir(sketch), 'hardware'));
    const ini = `[env:d1_mini]\nplatform = lx106local\nboard = d1_mini\nupload_port = livingroom.local\nupload_flags = --auth=geheim\nupload_protocol = custom\nupload_command = "$PYTHONEXE" otarc.py push -e $PIOENV --file $SOURCE.abspath\n`;
    const project = await makePioProject(join(dir, 'project'), { ini });
    await useTemplate('platformio/otarc.py', join(project.dir, 'otarc.py'));
    const env = await withOtarc(sketch.env);

    const simulate = ['otarc', 'simulate', '--name', 'livingroom', '--host', '10.77.1.2'];
    const options = ['--password-file', 'password', '--ms-per-sector', '0', '--reboot-ms', '0', '--json'];
    const device = inRoom([...simulate, ...options], { cwd: dir, env });
    onTestFinished(() => void device.kill('SIGKILL'));
    // Read on to its end: it goes when nobody listens to it any more.
    await new Promise<void>((resolve) => {
      device.stdout.on('data', (chunk) => String(chunk).includes('"announced"') && resolve());
    });

    const compiled = await atComputer(['arduino-cli', 'compile'], { cwd: sketch.dir, env });
    expect(compiled.exitCode, compiled.all).toBe(0);
    const upload = ['arduino-cli', 'upload', '-p', 'livingroom.local', '--discovery-timeout', '10s'];
    const uploaded = await atComputer([...upload, '-F', 'password=geheim'], { cwd: sketch.dir, env });
    expect(uploaded.all).toMatch(/^livingroom\.local: at 10\.77\.1\.2:8266 \(over mDNS\)$/m);
    expect(uploaded.all).toMatch(/^pushed to livingroom\.local /m);
    expect(uploaded.exitCode).toBe(0);

    const pioEnv = await withOtarc(project.env);
    const pushed = await atComputer(['pio', 'run', '-t', 'upload'], { cwd: project.dir, env: pioEnv });
    expect(pushed.all).toMatch(/^livingroom: at 10\.77\.1\.2:8266 \(over mDNS\)$/m);
    expect(pushed.all).toMatch(/^pushed to livingroom /m);
    expect(pushed.exitCode).toBe(0);
  });
});
