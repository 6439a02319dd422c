import { describe, expect, it } from 'vitest';
import type { DeviceConfig } from '../../../src/config/types.ts';
import { makePlan, type PlanRequest } from '../../../src/deploy/plan.ts';

function device(name: string, more: Partial<DeviceConfig> = {}): DeviceConfig {
  return {
    name,
    host: '127.0.0.1',
    credentialSource: { type: 'none' },
    acceptFrom: 'device',
    engine: 'espota',
    interfaces: [],
    ...more,
  };
}

function plan(devices: DeviceConfig[], more: Partial<PlanRequest> = {}) {
  const config = { build: { sketch: '/p', args: [] }, kind: 'firmware' } as const;
  return makePlan({ config, devices, source: 'build', ...more });
}

const environments = ({ images }: ReturnType<typeof plan>) =>
  images.map(({ request }) => request.environment);

describe('a plan', () => {
  it('has one image for all devices of one environment, in the order of the devices', () => {
    const made = plan([
      device('a', { environment: 'd1' }),
      device('b', { environment: 'node' }),
      device('c', { environment: 'd1' }),
    ]);
    expect(environments(made)).toEqual(['d1', 'node']);
    expect(made.waves.flat().map(({ device: { name }, imageKey }) => [name, imageKey])).toEqual([
      ['a', 'd1'],
      ['b', 'node'],
      ['c', 'd1'],
    ]);
  });

  it('tells each build which variables hold passwords, also those of devices that it is not for', () => {
    const inVariable = (variable: string): Partial<DeviceConfig> => ({
      credentialSource: { type: 'env', variable },
    });
    const devices = [device('a', inVariable('A_PW')), device('b', inVariable('B_PW')), device('c')];
    const config = { build: { sketch: '/p', args: [] }, kind: 'firmware', devices } as const;
    const { images } = plan([device('c')], { config });
    expect(images.map(({ request }) => request.secretVariables)).toEqual([['A_PW', 'B_PW']]);
    expect(plan([device('c')]).images[0]?.request).not.toHaveProperty('secretVariables');
  });

  it('leaves the order of the devices to the executor, in one wave', () => {
    expect(plan([device('a'), device('b')]).waves.map((wave) => wave.length)).toEqual([2]);
  });

  it('names an image for every job', () => {
    const made = plan([device('a', { environment: 'x' }), device('b')]);
    const keys = made.images.map(({ key }) => key);
    for (const { imageKey } of made.waves.flat()) expect(keys).toContain(imageKey);
  });

  it.each([
    { what: 'the flag', environment: 'flag', own: 'own', built: 'built', expected: 'flag' },
    { what: 'the device', environment: undefined, own: 'own', built: 'built', expected: 'own' },
    { what: 'the configuration', environment: undefined, own: undefined, built: 'built', expected: 'built' },
    { what: 'the build tool', environment: undefined, own: undefined, built: undefined, expected: undefined },
  ])('takes the environment that $what says', ({ environment, own, built, expected }) => {
    const build = { sketch: '/p', args: [], ...(built === undefined ? {} : { environment: built }) };
    const made = plan([device('a', own === undefined ? {} : { environment: own })], {
      config: { build, kind: 'firmware' },
      environment,
    });
    expect(environments(made)).toEqual([expected]);
  });

  it.each(['command', 'arduino-cli'] as const)(
    'has one image for all devices where %s builds, which has no environments',
    (tool) => {
      const config = { build: { sketch: '/p', args: [], tool }, kind: 'firmware' } as const;
      const both = [device('a', { environment: 'x' }), device('b', { environment: 'y' }), device('c')];
      expect(environments(plan(both, { config }))).toEqual([undefined]);
      const usage = expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('d1') });
      expect(() => plan(both, { config, environment: 'd1' })).toThrow(usage);
      const built = { ...config, build: { ...config.build, environment: 'd1' } };
      expect(() => plan(both, { config: built })).toThrow(usage);
      expect(plan(both, { config, environment: 'd1', source: 'file' }).images).toHaveLength(1);
    },
  );

  it('has one image where command and image are named, which is a build by a command', () => {
    const build = { sketch: '/p', args: [], image: '/p/i.bin' };
    const config = { build, kind: 'firmware' } as const;
    const both = [device('a', { environment: 'x' }), device('b', { environment: 'y' })];
    expect(environments(plan(both, { config, command: ['make'] }))).toEqual([undefined]);
    expect(environments(plan(both, { config }))).toEqual(['x', 'y']);
  });

  it('has one image where a file was named, whatever environments the devices have', () => {
    const made = plan([device('a', { environment: 'x' }), device('b', { environment: 'y' })], {
      source: 'file',
      file: '/p/f.bin',
    });
    expect(made.images).toMatchObject([{ source: 'file', path: '/p/f.bin' }]);
  });

  it('expects a platform only where all takers are of one', () => {
    const [esp8266, esp32, open] = [
      device('a', { platform: 'esp8266' }),
      device('b', { platform: 'esp32' }),
      device('c'),
    ];
    expect(plan([esp8266, { ...esp8266, name: 'd' }]).images[0]?.expectedPlatform).toBe('esp8266');
    expect(plan([esp8266, esp32]).images[0]).not.toHaveProperty('expectedPlatform');
    expect(plan([esp8266, open]).images[0]).not.toHaveProperty('expectedPlatform');
    expect(plan([open]).images[0]).not.toHaveProperty('expectedPlatform');
  });

  it('hands the build what the configuration says, and the command behind -- in place of the configured one', () => {
    const build = {
      tool: 'command',
      sketch: '/p',
      args: ['-v'],
      command: ['make'],
      image: '/p/a.bin',
      fqbn: 'a:b:c',
    } as const;
    const config = { build, kind: 'filesystem' } as const;
    expect(plan([device('a')], { config }).images[0]?.request).toEqual({
      projectDir: '/p',
      kind: 'filesystem',
      args: ['-v'],
      tool: 'command',
      fqbn: 'a:b:c',
      command: ['make'],
      image: '/p/a.bin',
    });
    expect(plan([device('a')], { config, command: ['ninja'] }).images[0]?.request.command).toEqual(['ninja']);
  });

  it('is empty without devices', () => {
    expect(plan([])).toEqual({ images: [], waves: [] });
  });
});
