import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compileArgs,
  parseProperties,
  platformOfFqbn,
  queryArgs,
} from '../../../src/builders/arduino-cli/plan.ts';
import { readSketchFile } from '../../../src/builders/arduino-cli/sketch-file.ts';

const request = { projectDir: '/s/Blink', kind: 'firmware', args: [] } as const;
const noPort = { namesPort: false };

describe('the arguments of a compile', () => {
  it.each([
    [{}, noPort, 'compile /s/Blink'],
    [{ fqbn: 'a:b:c' }, noPort, 'compile --fqbn a:b:c /s/Blink'],
    [{ profile: 'hall', args: ['-e'] }, noPort, 'compile --profile hall -e /s/Blink'],
    [
      {},
      { namesPort: true, port: { value: '192.0.2.7', origin: 'x' } },
      'compile --port 192.0.2.7 --discovery-timeout 1ms /s/Blink',
    ],
    [{}, { namesPort: true }, 'compile --port none --discovery-timeout 1ms /s/Blink'],
    [{ args: ['--port=x'] }, { namesPort: true }, 'compile --port=x /s/Blink'],
  ])('%j, %j', (more, sketch, expected) => {
    expect(compileArgs({ ...request, ...more }, sketch).join(' ')).toBe(expected);
  });
  it('only asks when it is to ask, and never uploads', () => {
    const args = queryArgs({ ...request, args: ['-u', '--build-path', 'x', '--upload'] }, noPort);
    expect(args).toEqual(['compile', '--show-properties=expanded', '--build-path', 'x', '/s/Blink']);
  });
});

describe('the properties', () => {
  it('are read line by line, at the first equals sign', () => {
    const text = 'build.path=/tmp/ü x\r\nrecipe=a=b\nnoise\nempty=\n';
    expect(parseProperties(text)).toEqual({ 'build.path': '/tmp/ü x', recipe: 'a=b', empty: '' });
  });
  it('survive any text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        const text = `${before}\nbuild.path=/p\n${after.replaceAll('build.path', '')}`;
        expect(parseProperties(text)['build.path']).toBe('/p');
      }),
    );
  });
});

describe('sketch.yaml', () => {
  it.each([
    ['', {}],
    ['default_fqbn: a:b:c', { fqbn: 'a:b:c' }],
    ['default_profile: hall\nprofiles:\n  hall:\n    fqbn: a:b:c', { profile: 'hall' }],
    ['profiles:\n  hall:\n    port: COM3', { namesPort: true }],
    ['profiles:\n  hall:\n    port: 3', { namesPort: true }],
    ['profiles: {hall: , attic: {port: }}', {}],
    ['default_port: 192.0.2.7', { port: '192.0.2.7', namesPort: true }],
    ['default_protocol: network', { namesPort: true }],
    ['default_fqbn: [1]\ndefault_port: COM3', { port: 'COM3', namesPort: true }],
    ['x: &board a:b:c\ndefault_fqbn: *board', { fqbn: 'a:b:c' }],
    ['default_fqbn: *nothing', {}],
    ['[not: {yaml', {}],
    ['- a list', {}],
  ])('%j', (text, expected) => {
    const { fqbn, profile, port, namesPort } = readSketchFile({ name: 'sketch.yaml', text });
    const said = { fqbn: fqbn?.value, profile: profile?.value, port: port?.value };
    expect({ ...said, namesPort }).toEqual({ namesPort: false, ...expected });
  });
  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(readSketchFile({ name: 'x', text }).namesPort).toBeTypeOf('boolean');
      }),
    );
  });
});

describe('the platform of an FQBN', () => {
  it.each([
    ['esp8266:esp8266:d1_mini', 'esp8266'],
    ['esp32:esp32:esp32c3:PartitionScheme=min_spiffs', 'esp32'],
    ['arduino:esp32:nano_nora', 'esp32'],
    ['rp2040:rp2040:rpipicow', 'rp2040'],
    ['otarc:esp8266:d1_mini', 'esp8266'],
    ['arduino:avr:uno', undefined],
    ['nonsense', undefined],
    [undefined, undefined],
  ])('%s: %s', (fqbn, platform) => {
    expect(platformOfFqbn(fqbn)).toBe(platform);
  });
});
