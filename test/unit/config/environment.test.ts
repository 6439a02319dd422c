import { describe, expect, it } from 'vitest';
import { passwordVariablesIn, readEnvironment } from '../../../src/config/environment.ts';
import { passwordVariable } from '../../../src/model/secret.ts';

describe('readEnvironment', () => {
  it('reads what stands for a flag', () => {
    const { values, problems } = readEnvironment(
      {
        OTARC_CONFIG: 'my.yaml',
        OTARC_ENVIRONMENT: 'd1',
        OTARC_PASSWORD_FILE: 'pw',
        OTARC_PORT: '8266',
        OTARC_PLATFORM: 'esp32',
        OTARC_HOST_ADDRESS: '::1',
        OTARC_HOST_PORT: '48266',
        OTARC_INTERFACE: 'eth0, 192.0.2.1',
        OTARC_TIMEOUT: '2.5',
        OTARC_NO_VERIFY: '1',
        OTARC_FILESYSTEM: 'yes',
        PATH: '/bin',
      },
      'push',
    );
    expect(problems).toEqual([]);
    expect(values).toEqual({
      config: 'my.yaml',
      environment: 'd1',
      passwordFile: 'pw',
      port: 8266,
      platform: 'esp32',
      hostAddress: '::1',
      hostPort: 48_266,
      interfaces: ['eth0', '192.0.2.1'],
      timeout: 2.5,
      verify: false,
      filesystem: true,
    });
  });

  it('takes empty variables for none', () => {
    const env = { OTARC_PORT: '', OTARC_PLATFORM: '', OTARC_PASSWORD: '', OTARC_CONFIG: '', OTARC_JSON: '' };
    expect(readEnvironment(env, 'push')).toEqual({ values: {}, problems: [] });
    expect(passwordVariablesIn(env)).toEqual(new Set());
  });

  it('names the variable of every bad value, and not the value', () => {
    const { problems } = readEnvironment(
      {
        OTARC_PORT: '80x',
        OTARC_HOST_PORT: '65536',
        OTARC_PLATFORM: 'esp8226',
        OTARC_HOST_ADDRESS: 'eth0',
        OTARC_INTERFACE: 'eth0,,',
        OTARC_TIMEOUT: 'soon',
      },
      'push',
    );
    expect(problems.map(({ problem: { place, message } }) => `${place} ${message}`).toSorted()).toEqual([
      'environment OTARC_HOST_ADDRESS must be an IP address',
      'environment OTARC_HOST_PORT must be a port, 1 to 65535',
      'environment OTARC_INTERFACE must not be empty',
      'environment OTARC_PLATFORM must be esp8266, esp32, rp2040; did you mean "esp8266"?',
      'environment OTARC_PORT must be a port, 1 to 65535',
      'environment OTARC_TIMEOUT must be a number of seconds, more than 0 and at most 86400',
    ]);
  });

  it.each(['0', '-1', '1e3', '0x10', ' 1', '99999'])('takes no port %j', (OTARC_PORT) => {
    expect(readEnvironment({ OTARC_PORT }, 'push').problems).toHaveLength(1);
  });

  it.each(['0', 'false', 'no', 'OFF'])('takes %j for off', (OTARC_DRY_RUN) => {
    expect(readEnvironment({ OTARC_DRY_RUN }, 'push')).toEqual({ values: {}, problems: [] });
  });

  it('knows which variables hold a password', () => {
    const variables = passwordVariablesIn({
      OTARC_PASSWORD: 'a',
      OTARC_PASSWORD_HALL: 'b',
      OTARC_PASSWORD_FILE: 'c',
      OTARC_PASSWORDX: 'd',
      OTARC_PASSWORD_EMPTY: '',
    });
    expect(variables).toEqual(new Set(['OTARC_PASSWORD', 'OTARC_PASSWORD_HALL']));
  });

  it.each([
    ['livingroom', 'OTARC_PASSWORD_LIVINGROOM'],
    ['living-room.2', 'OTARC_PASSWORD_LIVING_ROOM_2'],
    ['Küche', 'OTARC_PASSWORD_K_CHE'],
    ['::1', 'OTARC_PASSWORD___1'],
  ])('%s has %s', (name, variable) => {
    expect(passwordVariable(name)).toBe(variable);
  });
});
