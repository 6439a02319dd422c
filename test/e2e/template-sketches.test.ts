import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runningSumsOf } from '../../src/image/running-sums.ts';
import { bootEsp8266, md5OfEsp8266 } from '../support/flash.ts';
import { otarc } from '../support/otarc.ts';
import { coreDefines, vendor } from '../support/otarc-header.ts';
import { arduinoFqbn, makeArduinoSketch } from '../support/projects.ts';
import { runTool, useTemplate } from '../support/templates.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

/** HomeDing runs on an ESP8266 as well as on an ESP32. */
const cores = { esp8266: 'esp8266', esp32: 'esp32', rp2040: 'rp2040', homeding: 'esp8266' } as const;
const sketches = ['esp8266', 'esp32', 'rp2040', 'homeding'] as const;

async function scene(name: keyof typeof cores) {
  const sketch = await makeArduinoSketch(join(await tempDir(), name));
  await rm(sketch.source);
  await useTemplate(`sketches/${name}`, sketch.dir);
  const core = cores[name];
  // The test's platform says that it is an ESP8266.
  const defines = `-UESP8266 -UARDUINO_ARCH_ESP8266 -D${coreDefines[core]}`;
  const property = `build.extra_flags=${defines} -include "${join(vendor, core, 'core.h')}"`;
  const libraries = [...new Set([core, name])].flatMap((of) => [
    '--libraries',
    join(vendor, of, 'libraries'),
  ]);
  const outDir = `${sketch.dir}.out`;
  const flags = ['-b', arduinoFqbn, ...libraries, '--build-property', property, '--output-dir', outDir];
  const compile = () =>
    runTool('arduino-cli', ['compile', ...flags, sketch.dir], { cwd: sketch.dir, env: sketch.env });
  return { sketch, compile, image: join(outDir, `${name}.ino.bin`) };
}

describe.skipIf(requireTools('arduino-cli'))('a sketch that can be updated over the air', () => {
  it.each(sketches)('%s compiles, once the secrets are there', async (name) => {
    const { sketch, compile } = await scene(name);
    const first = await compile();
    expect(first.exitCode).toBe(1);
    expect(first.all).toContain('Copy secrets.example.h to secrets.h');

    await copyFile(join(sketch.dir, 'secrets.example.h'), join(sketch.dir, 'secrets.h'));
    const second = await compile();
    expect(second).toMatchObject({ exitCode: 0 });
    expect(second.all).not.toMatch(/warning|error:/);
  });

  it.each(sketches)('%s announces what runs, once otarc.h lies beside it', async (name) => {
    const { sketch, compile } = await scene(name);
    await copyFile(join(sketch.dir, 'secrets.example.h'), join(sketch.dir, 'secrets.h'));
    await useTemplate('sketches/otarc.h', join(sketch.dir, 'otarc.h'));
    const right = await compile();
    expect(right).toMatchObject({ exitCode: 0 });
    expect(right.all).not.toMatch(/warning|error:/);

    // The sketch calls it: without the function it is no sketch.
    const header = await readFile(join(sketch.dir, 'otarc.h'), 'utf8');
    await writeFile(join(sketch.dir, 'otarc.h'), header.replace('bool announce()', 'bool somethingElse()'));
    const wrong = await compile();
    expect(wrong.exitCode).toBe(1);
    expect(wrong.all).toMatch(/announce.* is not a member of .*otarc/);
  });

  it('runs with a sum that otarc knows from its image', async () => {
    const { sketch, compile, image } = await scene('esp8266');
    await copyFile(join(sketch.dir, 'secrets.example.h'), join(sketch.dir, 'secrets.h'));
    await useTemplate('sketches/otarc.h', join(sketch.dir, 'otarc.h'));
    expect(await compile()).toMatchObject({ exitCode: 0 });
    const bytes = new Uint8Array(await readFile(image));
    const sums = runningSumsOf({ bytes, kind: 'firmware', platform: 'esp8266' });
    for (const flashMode of [0, 1, 2, 3])
      expect(sums).toContain(md5OfEsp8266(bootEsp8266(bytes, { flashMode })));
  });

  it.each(['esp8266', 'esp32', 'rp2040'] as const)(
    '%s hears updates in every round of loop()',
    async (name) => {
      const { sketch } = await scene(name);
      const text = (await readFile(sketch.source, 'utf8')).replaceAll(/\/\/.*/g, '');
      const [, setup = '', loop = ''] =
        /void setup\(\) \{([^]*?)\n\}\n[^]*void loop\(\) \{([^]*?)\n\}\n/.exec(text) ?? [];
      expect(setup).toContain('ArduinoOTA.setPassword(OTA_PASSWORD);');
      expect(loop).toContain('ArduinoOTA.begin();');
      expect(loop).toContain('ArduinoOTA.handle();');
      expect(loop.match(/delay\((\d*)\)/g) ?? []).toEqual(name === 'esp32' ? ['delay(1)'] : []);
    },
  );
});

describe('the env.example.json of the HomeDing sketch', () => {
  it('is where otarc finds name, port and password', async () => {
    const dir = await tempDir();
    await useTemplate('sketches/homeding/env.example.json', join(dir, 'data', 'env.json'));
    await writeFile(join(dir, '.otarc'), 'devices: { livingroom: { homeding: data/env.json } }\n');
    const { exitCode, stdout } = await otarc(['config'], { cwd: dir });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/livingroom\.host +livingroom .*env\.json/);
    expect(stdout).toMatch(/livingroom\.port +8266 .*env\.json/);
    expect(stdout).toMatch(/livingroom\.password .*env\.json/);
    expect(stdout).not.toContain('choose one');
  });
});
