import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planOf } from '../../../src/builders/pio/plan.ts';
import { projectOfSections } from '../../../src/builders/pio/project.ts';
import { pioAnswerSchema, type PioEnvironment } from '../../../src/builders/pio/query.ts';
import { serving, type TwinCandidate } from '../../../src/builders/pio/twins.ts';
import { readUploadFlags } from '../../../src/builders/pio/upload-flags.ts';
import { environmentsIn, mentionsUploads, problemsOf, uploadsOf } from '../../../src/builders/pio/uploads.ts';
import { twinOf, type ProjectUpload } from '../../../src/model/project-facts.ts';
import { Secret } from '../../../src/model/secret.ts';

const secrets = (...texts: string[]): Secret[] => texts.map((text) => new Secret(text));

/** What the flags say, the password as text. */
function read(...entries: string[]): object {
  const { auth, ...rest } = readUploadFlags(secrets(...entries));
  return auth === undefined ? rest : { ...rest, auth: auth.reveal() };
}

describe('upload_flags', () => {
  it.each<{ entries: string[]; said: object }>([
    { entries: ['--auth=geheim', '--port=8266'], said: { auth: 'geheim', port: 8266 } },
    { entries: ['--auth geheim', '--port 8266'], said: { auth: 'geheim', port: 8266 } },
    { entries: ['-a geheim', '-p 8266'], said: { auth: 'geheim', port: 8266 } },
    { entries: ['-ageheim', '-p8266'], said: { auth: 'geheim', port: 8266 } },
    { entries: ['--auth=geheim --port=8266'], said: { auth: 'geheim', port: 8266 } },
    { entries: ['-d -r -a x -P 48266'], said: { auth: 'x', hostPort: 48_266 } },
    { entries: ['-dr', '--auth=x'], said: { auth: 'x' } },
    {
      entries: ['--host_port=48266', '--host_ip=192.0.2.1'],
      said: { hostPort: 48_266, hostAddress: '192.0.2.1' },
    },
    { entries: ['-P 48266', '-I 192.0.2.1'], said: { hostPort: 48_266, hostAddress: '192.0.2.1' } },
    { entries: ['--host_ip=0.0.0.0'], said: {} },
    { entries: ['--ip=192.0.2.7'], said: { ip: '192.0.2.7' } },
    { entries: ['-i esp.local'], said: { ip: 'esp.local' } },
    { entries: ['--auth=first', '--auth=last'], said: { auth: 'last' } },
    { entries: ['--auth="two words"'], said: { auth: 'two words' } },
    { entries: ["--auth='it is $HOME'"], said: { auth: 'it is $HOME' } },
    { entries: ['--auth=two words'], said: { auth: 'two words' } },
    { entries: ['--auth=two  words --port=1'], said: { auth: 'two  words', port: 1 } },
    { entries: ['--auth two words'], said: { auth: 'two words' } },
    { entries: ['--auth="a -p 7 b"'], said: { auth: 'a -p 7 b' } },
    { entries: [String.raw`--auth=a\"b`], said: { auth: 'a"b' } },
    { entries: [String.raw`--auth="a\"b\n"`], said: { auth: String.raw`a"b\n` } },
    { entries: [String.raw`--auth=a\$$b`], said: { auth: 'a$b' } },
    { entries: ["--auth=it's"], said: { auth: "it's" } },
    { entries: ['--auth="open'], said: { auth: '"open' } },
    { entries: ['--auth=pä55=wörd'], said: { auth: 'pä55=wörd' } },
    { entries: ['--auth='], said: {} },
    { entries: ['--auth=""'], said: {} },
    { entries: ['--auth'], said: {} },
    { entries: ['-a', 'geheim', '--port', '8266'], said: { auth: 'geheim', port: 8266 } },
    { entries: ['-a', 'two words', 'stray'], said: { auth: 'two words' } },
    { entries: ['--auth', '-p 1', 'geheim'], said: { port: 1 } },
    { entries: ['--auth=x', 'y'], said: { auth: 'x' } },
    { entries: ['-d', 'y', '--port', '', '8266'], said: { port: 8266 } },
    { entries: ['--port=/dev/ttyUSB0', '-p 0', '--host_port=99999'], said: {} },
    { entries: ['--baud 921600', '--before=default_reset', 'write_flash'], said: {} },
    { entries: ['', '  ', '-', '--'], said: {} },
    { entries: [], said: {} },
  ])('$entries', ({ entries, said }) => {
    expect(read(...entries)).toEqual(said);
  });

  it('keep their password to themselves, and survive any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (entries) => {
        const flags = readUploadFlags(secrets(...entries, '--auth=hunter2'));
        expect(flags.auth?.reveal()).toBe('hunter2');
        expect(JSON.stringify(flags)).not.toContain('hunter2');
      }),
    );
  });
});

describe('the wireless twin', () => {
  it.each([
    ['d1_ota', 'd1'],
    ['d1-ota', 'd1'],
    ['d1_OTA', 'd1'],
    ['ota_d1', 'd1'],
    ['OTA-d1', 'd1'],
    ['d1', undefined],
    ['d2_ota', undefined],
    ['ota', undefined],
    ['d1ota', undefined],
  ])('%s is that of %s', (name, expected) => {
    expect(twinOf(name, ['d1', 'ota', name])).toBe(expected);
  });

  const candidate = (name: string, host?: string, more: Partial<TwinCandidate> = {}): TwinCandidate => ({
    name,
    isUpload: host !== undefined,
    ...(host !== undefined && { host }),
    ...more,
  });

  it.each<{ what: string; candidates: TwinCandidate[]; served: Record<string, string> }>([
    {
      what: 'serves the one that is flashed by cable',
      candidates: [candidate('d1'), candidate('d1_ota', 'a')],
      served: { d1: 'd1_ota', d1_ota: 'd1_ota' },
    },
    {
      what: 'is passed over by one that names a device itself',
      candidates: [candidate('d1', 'b'), candidate('d1_ota', 'a')],
      served: { d1: 'd1', d1_ota: 'd1_ota' },
    },
    {
      what: 'is nobody where several name other devices',
      candidates: [candidate('d1'), candidate('d1_ota', 'a'), candidate('ota_d1', 'b')],
      served: { d1_ota: 'd1_ota', ota_d1: 'ota_d1' },
    },
    {
      what: 'is the first of several for one device',
      candidates: [candidate('d1'), candidate('d1_ota', 'a'), candidate('d1-ota', 'a')],
      served: { d1: 'd1_ota', d1_ota: 'd1_ota', 'd1-ota': 'd1-ota' },
    },
    {
      what: 'without a host yields to one with a host',
      candidates: [candidate('d1', undefined, { isUpload: true }), candidate('d1_ota', 'a')],
      served: { d1: 'd1_ota', d1_ota: 'd1_ota' },
    },
    {
      what: 'is nobody for others',
      candidates: [candidate('d2'), candidate('d1_ota', 'a')],
      served: { d1_ota: 'd1_ota' },
    },
  ])('$what', ({ candidates, served }) => {
    expect(Object.fromEntries(serving(candidates))).toEqual(served);
  });
});

/** The uploads of such environments, the password as text. */
function uploads(environments: PioEnvironment[], env: NodeJS.ProcessEnv = {}): object[] {
  const project = { buildDir: '/b', defaultEnvironments: [], environments };
  return uploadsOf(project, env).map(({ password, ...rest }: ProjectUpload) => ({
    ...rest,
    ...(password && { password: { ...password, value: password.value.reveal() } }),
  }));
}

describe('the uploads of a platformio.ini', () => {
  const ota = {
    protocol: 'espota',
    port: 'porch.local',
    flags: secrets('--auth=geheim', '--port=8266', '--host_port=48266', '--host_ip=192.0.2.1'),
    portAt: 'platformio.ini [env]',
    flagsAt: 'secrets.ini [env:d1_ota]',
  };

  it('are told with everything that is said, and where', () => {
    const flags = 'secrets.ini [env:d1_ota] upload_flags';
    expect(
      uploads([
        { name: 'd1', upload: { port: 'COM4' } },
        { name: 'd1_ota', upload: ota },
      ]),
    ).toEqual([
      {
        origin: 'platformio.ini [env:d1_ota]',
        environment: 'd1_ota',
        serves: ['d1_ota', 'd1'],
        twinOf: 'd1',
        host: { value: 'porch.local', origin: 'platformio.ini [env] upload_port' },
        port: { value: 8266, origin: flags },
        password: { value: 'geheim', origin: flags },
        hostPort: { value: 48_266, origin: flags },
        hostAddress: { value: '192.0.2.1', origin: flags },
      },
    ]);
  });

  it.each<{ upload: PioEnvironment['upload']; host: string | undefined }>([
    { upload: { port: '192.0.2.7' }, host: '192.0.2.7' },
    { upload: { protocol: 'esptool', port: 'porch.local' }, host: 'porch.local' },
    { upload: { protocol: 'custom', port: '"porch.local"' }, host: 'porch.local' },
    { upload: { protocol: 'espota', port: 'porch' }, host: 'porch' },
    { upload: { protocol: 'espota', flags: secrets('-i 192.0.2.7') }, host: '192.0.2.7' },
    { upload: { protocol: 'espota', port: '192.0.2.8', flags: secrets('-i 192.0.2.7') }, host: '192.0.2.8' },
    { upload: { protocol: 'esptool', port: 'porch' }, host: undefined },
    { upload: { port: '/dev/ttyUSB0', flags: secrets('--ip=192.0.2.7') }, host: undefined },
    { upload: { protocol: 'espota', port: 'COM4' }, host: undefined },
    { upload: undefined, host: undefined },
  ])('$upload: $host', ({ upload, host }) => {
    const [found] = uploads([{ name: 'd1', ...(upload && { upload }) }]) as ProjectUpload[];
    expect(found?.host?.value).toBe(host);
  });

  it('may say how to get in without saying where', () => {
    expect(uploads([{ name: 'd1', upload: { protocol: 'espota', flags: secrets('--auth=x') } }])).toEqual([
      {
        origin: 'platformio.ini [env:d1]',
        environment: 'd1',
        serves: ['d1'],
        password: { value: 'x', origin: 'platformio.ini [env:d1] upload_flags' },
      },
    ]);
  });

  it('are no flags of an uploader by cable', () => {
    const upload = { port: '/dev/ttyUSB0', flags: secrets('--port=1', '-a x') };
    expect(uploads([{ name: 'd1', upload }])).toEqual([]);
  });

  it('may come from the variables, which have the last word', () => {
    const env = { PLATFORMIO_UPLOAD_PORT: '192.0.2.9', PLATFORMIO_UPLOAD_FLAGS: '--port=1\n--auth=other' };
    const flags = secrets('--auth=geheim', '--host_port=2', '--port=1', '--auth=other');
    const [found] = uploads([{ name: 'd1', upload: { protocol: 'espota', port: '192.0.2.9', flags } }], env);
    expect(found).toMatchObject({
      host: { value: '192.0.2.9', origin: 'environment PLATFORMIO_UPLOAD_PORT' },
      port: { value: 1, origin: 'environment PLATFORMIO_UPLOAD_FLAGS' },
      password: { value: 'other', origin: 'environment PLATFORMIO_UPLOAD_FLAGS' },
      hostPort: { value: 2, origin: 'platformio.ini [env:d1] upload_flags' },
    });
  });

  it('that cannot be read are told once for each reason, and lose nothing else', () => {
    const environments = [
      { name: 'a', upload: { problems: ["No section: 'secrets'"] } },
      { name: 'b', upload: { problems: ["No section: 'secrets'"], port: '192.0.2.7' } },
    ];
    expect(problemsOf({ buildDir: '/b', defaultEnvironments: [], environments })).toEqual([
      "platformio.ini: the upload settings of a, b cannot be read: No section: 'secrets'.",
    ]);
    expect(uploads(environments)).toMatchObject([{ environment: 'b', host: { value: '192.0.2.7' } }]);
  });

  it.each([
    ['[env:a]\nplatform = x', {}, false],
    ['[env:a]\nUpload_Port = x', {}, true],
    ['upload_flags = x', {}, true],
    ['extra_configs = secrets.ini', {}, true],
    ['', { PLATFORMIO_UPLOAD_PORT: 'x' }, true],
    ['', { PLATFORMIO_UPLOAD_FLAGS: '--auth=x' }, true],
    ['', { PLATFORMIO_UPLOAD_PORT: '' }, false],
  ])('are looked for only where something can say so: %j %j', (ini, env, expected) => {
    expect(mentionsUploads(ini, env)).toBe(expected);
  });
});

it.each([
  ['[env:a]\nx = [env:b]\n; [env:c]\n  [env: d ]\n[env]\n[platformio]\r\n[env:e]\r\n', ['a', 'd', 'e']],
  ['', []],
])('the environments that a platformio.ini names: %j', (ini, expected) => {
  expect(environmentsIn(ini)).toEqual(expected);
});

describe('what pio tells', () => {
  it('hides its flags at once', () => {
    const answer = pioAnswerSchema.parse({
      buildDir: '/b',
      defaultEnvironments: [],
      environments: [{ name: 'd1', upload: { port: 'x', flags: ['--auth=hunter2'] } }],
    });
    expect(JSON.stringify(answer)).toContain('[secret]');
    expect(JSON.stringify(answer)).not.toContain('hunter2');
  });

  it('by `pio project config` has the uploads as well', () => {
    const { environments } = projectOfSections(
      [
        ['env', [['upload_port', 'COM4']]],
        ['env:d1', [['upload_port', 'COM4']]],
        [
          'env:wifi',
          [
            ['extends', ['common', 'env:d1']],
            ['upload_protocol', 'espota'],
            ['upload_port', 'porch'],
            ['upload_flags', ['--auth=geheim', '--port=1']],
          ],
        ],
      ],
      { cwd: '/p', env: {} },
    );
    const flags = 'platformio.ini [env:wifi] upload_flags';
    expect(uploads(environments)).toEqual([
      {
        origin: 'platformio.ini [env:wifi]',
        environment: 'wifi',
        serves: ['wifi'],
        host: { value: 'porch', origin: 'platformio.ini [env:wifi] upload_port' },
        port: { value: 1, origin: flags },
        password: { value: 'geheim', origin: flags },
      },
    ]);
  });

  it('of a broken environment stops only a build of that one', () => {
    const environments = [{ name: 'bad', problem: "No section: 'x'" }, { name: 'good' }];
    const plan = (environment: string) =>
      planOf(
        { name: 'pio', file: '/bin/pio' },
        { buildDir: '/b', defaultEnvironments: [], environments },
        { projectDir: '/p', kind: 'firmware', args: [], environment },
      );
    expect(plan('good').environment).toBe('good');
    expect(() => plan('bad')).toThrow("PlatformIO cannot read its project: No section: 'x'");
  });
});
