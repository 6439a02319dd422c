import { describe, expect, it } from 'vitest';
import { toolOfFolder } from '../../../src/builders/detect.ts';

const request = { projectDir: '/home/me/Blink', kind: 'firmware', args: [] } as const;
const command = ['make'];

describe('the tool of a folder', () => {
  it.each([
    [['platformio.ini', 'src'], {}, 'pio'],
    [['Blink.ino'], {}, 'arduino-cli'],
    [['sketch.yaml', 'other.ino'], {}, 'arduino-cli'],
    [['Makefile'], { command }, 'command'],
    [['platformio.ini'], { command }, 'pio'],
    [['platformio.ini'], { command, image: '/i.bin' }, 'command'],
    [['platformio.ini', 'Blink.ino'], { environment: 'hall' }, 'pio'],
    [['platformio.ini', 'Blink.ino'], { fqbn: 'a:b:c' }, 'arduino-cli'],
    [['platformio.ini', 'Blink.ino'], { profile: 'hall' }, 'arduino-cli'],
    [['platformio.ini', 'other.ino'], {}, 'pio'],
  ])('%j with %j: %s', (names, more, tool) => {
    expect(toolOfFolder({ ...request, ...more }, names)).toBe(tool);
  });

  it.each([
    { what: 'two tools', names: ['platformio.ini', 'Blink.ino'], hint: 'tool: pio' },
    { what: 'nothing', names: ['README.md'], hint: 'build.command' },
    {
      what: 'a sketch in a folder of another name',
      names: ['blink.ino'],
      hint: 'rename the folder to blink',
    },
  ])('$what: an error with the cure', ({ names, hint }) => {
    expect(() => toolOfFolder(request, names)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: expect.stringContaining(hint) }),
    );
  });
});
