import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSketchFile } from '../../../src/builders/arduino-cli/sketch-file.ts';
import { sketchFacts } from '../../../src/builders/arduino-cli/sketch-upload.ts';

const facts = (text: string, profile?: string) =>
  sketchFacts(readSketchFile({ name: 'sketch.yaml', text }), profile);

/** Host and where it stands. */
const target = (text: string, profile?: string): string[] =>
  facts(text, profile).uploads.map(({ host }) => `${host?.value} @ ${host?.origin}`);

const profiles = `# a sketch
profiles:
  porch:
    fqbn: a:b:c
    port: porch.local
  cable: { fqbn: a:b:c, port: /dev/ttyUSB0 }
  named:
    port: attic
    protocol: network
    port_config: { port: 23 }
`;

describe('sketch.yaml', () => {
  it.each([
    ['default_port: 192.0.2.7', ['192.0.2.7 @ sketch.yaml:1 default_port']],
    ['default_fqbn: a:b:c\n\ndefault_port: x.local\n', ['x.local @ sketch.yaml:3 default_port']],
    ['default_port: x\ndefault_protocol: network', ['x @ sketch.yaml:1 default_port']],
    ['default_port: x', []],
    ['default_port: 192.0.2.7\ndefault_protocol: serial', []],
    ['default_port: COM4\ndefault_protocol: network', []],
    ['default_port: /dev/ttyUSB0', []],
    ['default_protocol: network', []],
    ['default_port: [192.0.2.7]', []],
    ['[not: {yaml', []],
    ['- a list', []],
    ['', []],
    [`${profiles}default_profile: porch\n`, ['porch.local @ sketch.yaml:5 profiles.porch.port']],
    [`${profiles}default_profile: named\n`, ['attic @ sketch.yaml:8 profiles.named.port']],
    [`${profiles}default_port: 192.0.2.7\n`, ['192.0.2.7 @ sketch.yaml:11 default_port']],
    [
      `${profiles}default_profile: cable\ndefault_port: 192.0.2.7\n`,
      ['192.0.2.7 @ sketch.yaml:12 default_port'],
    ],
  ])('%j: %j', (text, expected) => {
    expect(target(text)).toEqual(expected);
  });

  it('means the profile that is asked for before its own default', () => {
    expect(target(`${profiles}default_profile: cable\n`, 'porch')).toEqual([
      'porch.local @ sketch.yaml:5 profiles.porch.port',
    ]);
    expect(target(profiles, 'nosuch')).toEqual([]);
  });

  it('tells board and profile with their lines', () => {
    expect(facts('default_fqbn: a:b:c\ndefault_profile: porch\n')).toEqual({
      fqbn: { value: 'a:b:c', origin: 'sketch.yaml:1 default_fqbn' },
      profile: { value: 'porch', origin: 'sketch.yaml:2 default_profile' },
      uploads: [],
    });
  });

  it('survives any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(facts(text).uploads.length).toBeLessThan(2);
      }),
    );
  });
});
