import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFacts, projectImages, projectUploads } from '../../src/builders/facts.ts';
import { findArtifact } from '../../src/builders/index.ts';
import type { ProjectFacts } from '../../src/model/project-facts.ts';
import { firmwareOf, recordedContext } from '../support/build-context.ts';
import { makePioProject, type Project } from '../support/projects.ts';
import { tempDir } from '../support/temp-dir.ts';
import { requireTools, toolPaths } from '../support/tools.ts';

const ini = `
[platformio]
extra_configs = secrets.ini
[net]
subnet = 192.0.2
[common]
platform = lx106local
board = d1_mini
[env:hall]
extends = common
upload_port = COM4
upload_speed = 921600
[env:hall_ota]
extends = env:hall
upload_protocol = espota
upload_port = \${net.subnet}.7
upload_flags =
    --port=8266
    --auth=\${sysenv.HALL_PW}
[env:attic]
extends = common
upload_protocol = espota
upload_port = attic
upload_flags = --auth "two words" --host_port 48266
[env:den]
extends = common
upload_port = /dev/ttyUSB0
[env:cellar]
extends = env:den
upload_port = 192.0.2.8
build_src_filter = +<cellar>
[env:broken]
platform = \${no.such}
upload_port = \${no.port}
upload_flags = --auth=100%sure
`;

const extra = `
[env:attic]
upload_port = attic.local
`;

async function house(text = ini): Promise<Project> {
  const project = await makePioProject(join(await tempDir(), 'p'), { ini: text });
  await writeFile(join(project.dir, 'secrets.ini'), extra);
  return { ...project, env: { ...project.env, HALL_PW: 'geheim' } };
}

/** The uploads with their passwords as text. */
const shown = (facts: ProjectFacts | undefined): object[] | undefined =>
  facts?.uploads.map((each) => ({
    ...each,
    ...(each.password && { password: { ...each.password, value: each.password.value.reveal() } }),
  }));

describe.skipIf(requireTools('pio'))('a platformio.ini', () => {
  it('tells its uploads as pio reads them: extends, interpolation, variables, more files', async () => {
    const project = await house();
    const facts = await projectUploads(firmwareOf(project.dir), recordedContext(project.env));

    expect(shown(facts)).toEqual([
      {
        origin: 'platformio.ini [env:hall_ota]',
        environment: 'hall_ota',
        serves: ['hall_ota', 'hall'],
        twinOf: 'hall',
        host: { value: '192.0.2.7', origin: 'platformio.ini [env:hall_ota] upload_port' },
        port: { value: 8266, origin: 'platformio.ini [env:hall_ota] upload_flags' },
        password: { value: 'geheim', origin: 'platformio.ini [env:hall_ota] upload_flags' },
      },
      {
        origin: 'platformio.ini [env:attic]',
        environment: 'attic',
        serves: ['attic'],
        host: { value: 'attic.local', origin: 'secrets.ini [env:attic] upload_port' },
        password: { value: 'two words', origin: 'platformio.ini [env:attic] upload_flags' },
        hostPort: { value: 48_266, origin: 'platformio.ini [env:attic] upload_flags' },
      },
      {
        origin: 'platformio.ini [env:cellar]',
        environment: 'cellar',
        serves: ['cellar'],
        host: { value: '192.0.2.8', origin: 'platformio.ini [env:cellar] upload_port' },
      },
    ]);
    expect(facts).toMatchObject({ tool: 'pio', defaultEnvironments: [] });
    expect(facts?.environment).toBeUndefined();
    expect(JSON.stringify(facts)).not.toMatch(/geheim|two words|sure/);
    expect(facts?.problems).toHaveLength(2);
    expect(facts?.problems[0]).toMatch(/upload settings of broken .*No section: 'no'/);
    expect(facts?.problems[1]).toMatch(/upload settings of broken .*upload_flags in \[env:broken\]: a % has/);
  });

  it('with a broken environment still has the images of the others', async () => {
    const project = await house();
    const context = recordedContext(project.env);
    const find = (environment: string) => findArtifact(firmwareOf(project.dir, { environment }), context);
    await expect(find('hall')).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      details: { path: join(project.dir, '.pio/build/hall') },
    });
    await expect(find('broken')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining("No section: 'no'"),
    });
  });

  it('may be overruled by the variables of pio', async () => {
    const project = await house('[env:a]\nplatform = lx106local\nupload_protocol = espota\n');
    const env = {
      ...project.env,
      PLATFORMIO_UPLOAD_PORT: '192.0.2.9',
      PLATFORMIO_UPLOAD_FLAGS: '--auth=other\n--port=1',
    };
    const facts = await projectUploads(firmwareOf(project.dir), recordedContext(env));
    expect(shown(facts)).toMatchObject([
      {
        host: { value: '192.0.2.9', origin: 'environment PLATFORMIO_UPLOAD_PORT' },
        port: { value: 1, origin: 'environment PLATFORMIO_UPLOAD_FLAGS' },
        password: { value: 'other', origin: 'environment PLATFORMIO_UPLOAD_FLAGS' },
      },
    ]);
    expect(facts?.environment).toEqual({ value: 'a', origin: 'default: its only one' });
  });

  it('that says nothing of uploads is not asked', async () => {
    const project = await makePioProject(join(await tempDir(), 'p'));
    const nobody = recordedContext({ ...project.env, PATH: '' });
    expect(await projectUploads(firmwareOf(project.dir), nobody)).toBeUndefined();
    const only = await projectFacts(firmwareOf(project.dir), recordedContext(project.env));
    expect(only).toMatchObject({ tool: 'pio', environment: { value: 'd1_mini' }, uploads: [] });
  });

  it('is asked for its environments by an image of one, where it names several', async () => {
    const several = await house('[env:a]\nplatform = lx106local\n[env:b]\nextends = env:a\n');
    const request = firmwareOf(several.dir, { environment: 'a' });
    expect(await projectUploads(request, recordedContext(several.env))).toBeUndefined();
    const facts = { tool: 'pio', environments: ['a', 'b'], uploads: [], problems: [] };
    expect(await projectImages(request, recordedContext(several.env))).toMatchObject(facts);
    const nobody = recordedContext({ ...several.env, PATH: '', PLATFORMIO_CORE_DIR: several.dir });
    const missing = await projectImages(request, nobody);
    expect(missing).toMatchObject({ ...facts, problems: [expect.stringContaining('pio')] });

    const one = await house('[env:a]\nplatform = lx106local\n');
    expect(await projectImages(firmwareOf(one.dir), nobody)).toBeUndefined();
    const more = '[platformio]\nextra_configs = more.ini\n[env:a]\nplatform = lx106local\n';
    const elsewhere = await house(more);
    await writeFile(join(elsewhere.dir, 'more.ini'), '[env:b]\nplatform = lx106local\n');
    expect(await projectImages(firmwareOf(elsewhere.dir), recordedContext(elsewhere.env))).toMatchObject(
      facts,
    );
  });

  it('is told by `pio project config` where its Python cannot be asked', async () => {
    const project = await house(ini.slice(0, ini.indexOf('[env:broken]')));
    const wrapper = join(dirname(project.dir), 'bin', 'pio');
    await mkdir(dirname(wrapper));
    const script = `#!/bin/sh\n[ "$1" = system ] && exit 1\nexec '${toolPaths().pio}' "$@"\n`;
    await writeFile(wrapper, script, { mode: 0o755 });
    const env = { ...project.env, PATH: `${dirname(wrapper)}:${project.env['PATH']}` };
    const facts = await projectUploads(firmwareOf(project.dir), recordedContext(env));
    expect(shown(facts)).toMatchObject([
      {
        environment: 'hall_ota',
        serves: ['hall_ota', 'hall'],
        host: { value: '192.0.2.7' },
        password: { value: 'geheim' },
      },
      { environment: 'attic', host: { value: 'attic.local' }, password: { value: 'two words' } },
      { environment: 'cellar', serves: ['cellar'], host: { value: '192.0.2.8' } },
    ]);
  });

  it.each([
    {
      what: 'a line that is none',
      text: '[env:a]\nupload_port = 192.0.2.7\n--auth hunter2\n',
      says: 'line 3',
    },
    { what: 'no section', text: 'upload_flags = --auth=hunter2\n', says: 'line 1' },
  ])('with $what is refused without the line', async ({ text, says }) => {
    const project = await house(text);
    const context = recordedContext(project.env);
    const error: unknown = await projectUploads(firmwareOf(project.dir), context).catch(
      (each: unknown) => each,
    );
    expect(error).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(says) });
    expect(String(error)).not.toContain('hunter2');
    expect(await projectFacts(firmwareOf(project.dir), context)).toEqual({
      tool: 'pio',
      environments: [],
      defaultEnvironments: [],
      uploads: [],
      problems: [],
    });
  });

  it('knows no environment that is mistyped', async () => {
    const project = await house();
    const request = firmwareOf(project.dir, { environment: 'hal' });
    await expect(projectUploads(request, recordedContext(project.env))).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('Did you mean hall?'),
    });
  });

  it('is left alone after an abort', async () => {
    const project = await house();
    const context = recordedContext(project.env, { signal: AbortSignal.abort() });
    for (const ask of [projectUploads, projectFacts])
      await expect(ask(firmwareOf(project.dir), context)).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('a sketch', () => {
  it('is read without its tool', async () => {
    const dir = join(await tempDir(), 'Blink');
    await mkdir(dir);
    await writeFile(join(dir, 'Blink.ino'), '');
    const context = recordedContext({ PATH: '' });
    expect(await projectUploads(firmwareOf(dir), context)).toBeUndefined();
    expect(await projectFacts(firmwareOf(dir), context)).toMatchObject({ tool: 'arduino-cli', uploads: [] });

    await writeFile(join(dir, 'sketch.yaml'), 'default_fqbn: a:b:c\ndefault_port: porch.local\n');
    expect(await projectUploads(firmwareOf(dir), context)).toEqual({
      tool: 'arduino-cli',
      environments: [],
      defaultEnvironments: [],
      problems: [],
      fqbn: { value: 'a:b:c', origin: 'sketch.yaml:1 default_fqbn' },
      uploads: [
        {
          origin: 'sketch.yaml:2 default_port',
          serves: [],
          host: { value: 'porch.local', origin: 'sketch.yaml:2 default_port' },
        },
      ],
    });
  });

  it('and a folder of nothing are no trouble', async () => {
    const dir = await tempDir();
    const context = recordedContext({ PATH: '' });
    expect(await projectFacts(firmwareOf(dir), context)).toBeUndefined();
    expect(await projectFacts(firmwareOf(join(dir, 'no')), context)).toBeUndefined();
    const command = await projectUploads(firmwareOf(dir, { tool: 'command' }), context);
    expect(command).toBeUndefined();
  });
});
