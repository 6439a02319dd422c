import { describe, expect, it } from 'vitest';
import { withDevice } from '../../../src/init/yaml-edit.ts';

const hall = { name: 'hall', host: '192.0.2.8', port: 9 };
const add = (text: string) => withDevice(text, hall, { type: 'none' });
const lines = '  hall:\n    host: 192.0.2.8\n    port: 9\n';

describe('one more device', () => {
  it.each([
    ['an empty file', '', `devices:\n${lines}`],
    ['only comments', '# mine\n', `# mine\ndevices:\n${lines}`],
    ['no devices', 'build:\n  tool: pio', `build:\n  tool: pio\ndevices:\n${lines.trimEnd()}`],
    ['an empty list', 'devices:   # none yet\nbuild: {}\n', `devices:   # none yet\n${lines}build: {}\n`],
    [
      'others',
      'devices:\n  a: 192.0.2.1    # first\n\n# about groups\ngroups: {}\n',
      `devices:\n  a: 192.0.2.1    # first\n${lines}\n# about groups\ngroups: {}\n`,
    ],
    [
      'another indent',
      'devices:\n    a:\n        host: a.local\n',
      'devices:\n    a:\n        host: a.local\n    hall:\n      host: 192.0.2.8\n      port: 9\n',
    ],
    ['a last one without a value', 'devices:\n  a.local:\n', `devices:\n  a.local:\n${lines}`],
    [
      'CRLF',
      'devices:\r\n  a: 192.0.2.1\r\n',
      `devices:\r\n  a: 192.0.2.1\r\n${lines.replaceAll('\n', '\r\n')}`,
    ],
  ])('in %s', (_name, before, after) => {
    expect(add(before)).toBe(after);
  });

  it.each([
    '{"devices": {}}',
    'devices: { a: 192.0.2.1 }\n',
    '[1]',
    'a: [',
    'devices:\n  hall: 192.0.2.9\n',
    'devices: 1\n',
  ])('is not put into %s', (text) => {
    expect(add(text)).toBeUndefined();
  });
});
