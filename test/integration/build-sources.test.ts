import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pathsOf } from '../../src/builders/arduino-cli/sources.ts';
import { imagePlaceOf } from '../../src/builders/image-place.ts';
import { usualFolders } from '../../src/builders/pio/sources.ts';
import { planBuild } from '../../src/builders/prepared.ts';
import { sourcesOf } from '../../src/builders/sources.ts';
import type { BuildRequest } from '../../src/builders/types.ts';
import { firmwareOf } from '../support/build-context.ts';
import { arduinoFqbn, makeArduinoSketch, makePioProject } from '../support/projects.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools } from '../support/tools.ts';

const { signal } = new AbortController();

async function sourcesIn(request: BuildRequest, env: NodeJS.ProcessEnv) {
  const context = { env, signal };
  return sourcesOf(request, await planBuild(request, context), context);
}

describe.skipIf(requireTools('pio'))('what pio builds from', () => {
  it('is as its project file has it, with local libraries, scripts and included files', async () => {
    const dir = join(await tempDir(), 'p');
    const ini = `[platformio]
src_dir = firmware
data_dir = web
extra_configs = secrets*.ini
[env:one]
platform = lx106local
board = d1_mini
lib_deps =
  symlink://../my lib
  Named=file://../named
  https://example.invalid/x.git
lib_extra_dirs = ../common
extra_scripts = post:tools/version.py
board_build.embed_txtfiles =
  certs/root.pem
  certs/own.pem
build_src_filter = +<*> -<old/> +<../shared/*.cpp> +<sub/**>
[env:two]
platform = lx106local
board = d1_mini
lib_deps = symlink://../other
`;
    const project = await makePioProject(dir, { ini });
    await writeFile(join(dir, 'secrets-home.ini'), '[home]\n');
    const found = await sourcesIn(firmwareOf(dir, { environment: 'one' }), project.env);
    const at = (...names: string[]): string[] => names.map((name) => join(dir, name));
    expect(found.firmware.toSorted()).toEqual(
      at(
        'firmware',
        'include',
        '../my lib',
        '../named',
        'certs/root.pem',
        'certs/own.pem',
        'shared',
      ).toSorted(),
    );
    expect(found.libraries.toSorted()).toEqual(at('lib', '../common').toSorted());
    expect(found.filesystem).toEqual(at('web'));
    expect(found.project.toSorted()).toEqual(
      at('platformio.ini', 'secrets-home.ini', 'boards', 'tools/version.py').toSorted(),
    );
    expect(found.products).toEqual(expect.arrayContaining(at('.pio', '.pio/build')));
  });

  it('is found in the usual folders where pio cannot be asked', () => {
    expect(usualFolders('/p')).toMatchObject({ firmware: ['/p/src', '/p/include'], filesystem: ['/p/data'] });
  });

  it('leaves its image in a folder that is known before it exists', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    const place = await imagePlaceOf(firmwareOf(project.dir), { env: project.env, signal });
    expect(place?.folder).toBe(join(project.dir, '.pio', 'build', 'd1_mini'));
    expect(await place?.find()).toBeUndefined();
    const names = ['firmware.bin', 'v1.2.bin.signed', 'firmware.elf', '.sconsign311.dblite', 'src', 'main.o'];
    expect(names.filter((name) => place?.concerns(name))).toEqual(names.slice(0, 4));
  });
});

describe.skipIf(requireTools('arduino-cli'))('what arduino-cli builds from', () => {
  it('is the sketch, the libraries of the sketchbook, and those that are named', async () => {
    const sketchYaml = 'profiles:\n  one:\n    libraries:\n      - dir: ../theirs\n      - Servo (1.2.1)\n';
    const sketch = await makeArduinoSketch(join(await tempDir(), 'Blink'), { sketchYaml });
    const args = ['--library', '../mine,../yours', '--libraries=../all'];
    const found = await sourcesIn(firmwareOf(sketch.dir, { fqbn: arduinoFqbn, args }), sketch.env);
    const at = (...names: string[]): string[] => names.map((name) => join(sketch.dir, name));
    const user = sketch.env['ARDUINO_DIRECTORIES_USER'] ?? '';
    expect(found.firmware).toEqual(at('.', '../mine', '../yours', '../theirs'));
    expect(found.libraries).toEqual([...at('../all'), join(user, 'libraries')]);
    expect(found.filesystem).toEqual(at('data'));
    expect(found.project).toContain(join(sketch.dir, 'sketch.yaml'));
    expect(found.products).toContain(join(sketch.dir, 'build'));
  });

  it('has arguments that may be written in either way', () => {
    const request = {
      projectDir: '/s',
      args: ['--library', 'a', '-v', '--library=/b,c', '--libraries', 'd'],
    };
    expect(pathsOf(request, 'library')).toEqual(['/s/a', '/b', '/s/c']);
    expect(pathsOf(request, 'libraries')).toEqual(['/s/d']);
  });
});

describe('what a command builds from', () => {
  it('is the whole folder, without what it leaves', async () => {
    const dir = await tempDir();
    const command = ['make'];
    const within = await sourcesIn(firmwareOf(dir, { command, image: join(dir, 'out', 'a.bin') }), {});
    expect(within).toMatchObject({ firmware: [dir], products: expect.arrayContaining([join(dir, 'out')]) });
    const beside = await sourcesIn(firmwareOf(dir, { command, image: join(dir, 'a.bin') }), {});
    expect(beside.products).toEqual([join(dir, 'a.bin'), join(dir, 'a.bin')]);
    expect(beside.filesystem).toEqual([]);
  });

  it('is `data` for the file system it makes, and everything for that alone', async () => {
    const dir = await tempDir();
    const images = { image: join(dir, 'out', 'a.bin'), filesystemImage: join(dir, 'out', 'fs.bin') };
    const request = firmwareOf(dir, { command: ['make'], ...images });
    expect(await sourcesIn(request, {})).toMatchObject({ firmware: [dir], filesystem: [join(dir, 'data')] });
    const filesystem = { ...request, kind: 'filesystem' } as const;
    expect(await sourcesIn(filesystem, {})).toMatchObject({ firmware: [], filesystem: [dir] });
  });

  it('needs no project where only its image is wanted', async () => {
    const dir = await tempDir();
    await mkdir(join(dir, 'out'));
    const path = join(dir, 'out', 'a.bin');
    const place = await imagePlaceOf(firmwareOf(dir, { image: path }), { env: {}, signal });
    expect(place).toMatchObject({ folder: join(dir, 'out'), text: path });
    await writeFile(path, 'x');
    expect(await place?.find()).toMatchObject({ path, tool: 'file' });
    expect(['a.bin', 'a.bin.signed', 'b.bin'].filter((name) => place?.concerns(name))).toEqual([
      'a.bin',
      'a.bin.signed',
    ]);
  });
});
