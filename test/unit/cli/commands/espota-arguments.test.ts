import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { espotaArguments } from '../../../../src/cli/commands/espota-arguments.ts';

const read = (line: string): string => espotaArguments(line.split(' ')).join(' ');

describe('the command line of espota', () => {
  it.each([
    ['--prog --deb', '--progress --debug'],
    ['--pr --d', '--progress --debug'],
    ['--po 8266 --i 192.0.2.1', '--port 8266 --ip 192.0.2.1'],
    ['--pass=x --fi=a.bin --sp', '--auth=x --file=a.bin --spiffs'],
    ['--au x=y', '--auth x=y'],
    ['--host_i 192.0.2.2 --host_p 1', '--host_ip 192.0.2.2 --host_port 1'],
    ['--host-port=1', '--host_port=1'],
    ['--md5', '--md5-target'],
    ['--t=5', '--timeout=5'],
    // Not a flag but the value of one.
    ['--auth --prog', '--auth --prog'],
    ['-a --prog -dr', '-a --prog -dr'],
    ['-dra --prog', '-dra --prog'],
    ['-i192.0.2.1 -dr', '-i192.0.2.1 -dr'],
    ['-ap=x --deb', '-ap=x --debug'],
  ])('%s is read as %s', (typed, written) => {
    expect(read(typed)).toBe(written);
  });

  it.each([
    ['--p 1', '--p could be --port or --progress or --password.'],
    ['--host_ 1', '--host_ could be --host_ip or --host_port.'],
    ['--h', '--h could be --host_ip or --host_port or --help.'],
  ])('%s is refused: %s', (typed, message) => {
    expect(() => read(typed)).toThrow(expect.objectContaining({ code: 'USAGE', message }));
  });

  it('keeps every flag that is written out, and each value, whatever it is', () => {
    const value = fc.string({ minLength: 1 }).filter((text) => !text.includes('{'));
    const flag = fc.constantFrom(
      '-i',
      '-I',
      '-p',
      '-P',
      '-a',
      '-f',
      '-t',
      '--ip',
      '--auth',
      '--file',
      '--port',
    );
    const pair = fc.oneof(fc.tuple(flag, value), fc.constantFrom(['-d'], ['-sr'], ['--spiffs'], ['--debug']));
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        expect(espotaArguments(pairs.flat())).toEqual(pairs.flat());
      }),
    );
  });

  it('leaves an unknown flag for commander to name', () => {
    expect(read('--verbose -x')).toBe('--verbose -x');
  });

  it.each([
    ['-p', '{upload.port.properties.port}'],
    ['-i', '{upload.port.address}'],
    ['--ip', '{upload.port.address}'],
  ])('says that the port is not in the list of arduino-cli: %s %s', (flag, value) => {
    const message = `arduino-cli has left ${value} unfilled (${flag}): the port that it was given is not in its list.`;
    const error = expect.objectContaining({ code: 'USAGE', message });
    expect(() => espotaArguments([flag, value])).toThrow(error);
    expect(() => espotaArguments([flag.startsWith('--') ? `${flag}=${value}` : flag + value])).toThrow(error);
  });

  it.each([
    ['-a', '{upload.field.password}'],
    ['-f', '{build.path}/{build.project_name}.bin'],
    ['-P', '{tools.espota.host_port}'],
  ])('says what arduino-cli has left unfilled: %s %s', (flag, value) => {
    expect(() => espotaArguments([flag, value])).toThrow(/arduino-cli has left \{[\w.]+\} unfilled/);
  });

  it('takes braces in a password for what they are', () => {
    expect(espotaArguments(['-a', '{secret}'])).toEqual(['-a', '{secret}']);
  });

  it.each([
    ['-f', ''],
    ['--file', ''],
    ['-i', ''],
  ])('says that a value is empty: %s', (flag, value) => {
    expect(() => espotaArguments([flag, value])).toThrow(/its value is empty/);
  });
  it('says that a value is empty behind its sign', () => {
    expect(() => espotaArguments(['--file='])).toThrow('--file names no image: its value is empty.');
  });
});
